package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/go-service/internal/shortener"
)

func TestHealthIsOk(t *testing.T) {
	recorder := httptest.NewRecorder()
	routes(shortener.NewStore()).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/health", nil))
	if recorder.Code != http.StatusOK {
		t.Fatalf("got %d", recorder.Code)
	}
}

func TestAShortNameLeadsBackToItsAddress(t *testing.T) {
	handler := routes(shortener.NewStore())
	body := strings.NewReader(`{"address":"https://example.com/a/long/way"}`)
	created := httptest.NewRecorder()
	handler.ServeHTTP(created, httptest.NewRequest(http.MethodPost, "/names", body))
	if created.Code != http.StatusCreated {
		t.Fatalf("got %d: %s", created.Code, created.Body)
	}
	var answer struct{ Name string }
	if err := json.Unmarshal(created.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	found := httptest.NewRecorder()
	handler.ServeHTTP(found, httptest.NewRequest(http.MethodGet, "/"+answer.Name, nil))
	if found.Code != http.StatusFound || found.Header().Get("Location") != "https://example.com/a/long/way" {
		t.Fatalf("got %d to %q", found.Code, found.Header().Get("Location"))
	}
}

func TestARelativeAddressIsRefused(t *testing.T) {
	recorder := httptest.NewRecorder()
	body := strings.NewReader(`{"address":"/a/long/way"}`)
	routes(shortener.NewStore()).ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/names", body))
	if recorder.Code != http.StatusUnprocessableEntity {
		t.Fatalf("got %d", recorder.Code)
	}
}
