package berths;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Which ship lies at which berth. */
final class Berths {
    private final Map<Integer, String> ships = new TreeMap<>();
    private final int count;

    Berths(int count) {
        this.count = count;
    }

    /** Gives a ship the first free berth; nothing when there is none. */
    synchronized Optional<Integer> moor(String ship) {
        for (int berth = 1; berth <= count; berth++) {
            if (!ships.containsKey(berth)) {
                ships.put(berth, ship);
                return Optional.of(berth);
            }
        }
        return Optional.empty();
    }

    synchronized String list() {
        StringBuilder text = new StringBuilder();
        ships.forEach((berth, ship) -> text.append(berth).append(' ').append(ship).append('\n'));
        return text.toString();
    }
}
