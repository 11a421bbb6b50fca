from datetime import UTC, datetime

from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as some

from tides.app import app
from tides.harmonics import HARBOUR, Constituent, height_metres

client = TestClient(app)


def test_the_service_is_healthy() -> None:
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_a_prediction_has_one_height_for_each_hour() -> None:
    response = client.get("/tides", params={"start": "2026-01-01T00:00:00Z", "hours": 24})
    assert response.status_code == 200
    heights = response.json()
    assert len(heights) == 24
    assert max(h["height_metres"] for h in heights) > 0 > min(h["height_metres"] for h in heights)


def test_too_long_a_prediction_is_refused() -> None:
    assert client.get("/tides", params={"hours": 73}).status_code == 422


def test_a_single_constituent_stands_at_its_amplitude_when_its_phase_is_reached() -> None:
    constituent = Constituent("M2", 2.0, 30.0, 90.0)
    at = datetime(2000, 1, 1, 3, tzinfo=UTC)
    assert abs(height_metres(at, (constituent,)) - 2.0) < 1e-9


@given(at=some.datetimes())
def test_the_tide_never_exceeds_the_sum_of_the_amplitudes(at: datetime) -> None:
    bound = sum(constituent.amplitude_metres for constituent in HARBOUR)
    assert abs(height_metres(at)) <= bound
