package berths;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A harbour master over HTTP: {@code GET /berths}, and {@code POST /berths} with a ship's name. */
public final class Main {
    private static final int LONGEST_NAME = 100;

    private Main() {}

    public static void main(String[] arguments) throws IOException {
        Berths berths = new Berths(12);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        HttpServer server = HttpServer.create(new InetSocketAddress(Port.ofEnvironment()), 0);
        server.setExecutor(threads);
        server.createContext("/health", exchange -> answer(exchange, 200, "ok\n"));
        server.createContext("/berths", exchange -> berths(exchange, berths));
        // SIGTERM: requests that were accepted have a second to end.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.stop(1);
            threads.shutdown();
        }));
        server.start();
    }

    private static void berths(HttpExchange exchange, Berths berths) throws IOException {
        switch (exchange.getRequestMethod()) {
            case "GET" -> answer(exchange, 200, berths.list());
            case "POST" -> {
                byte[] body = exchange.getRequestBody().readNBytes(LONGEST_NAME);
                String ship = new String(body, StandardCharsets.UTF_8).strip();
                if (ship.isEmpty()) {
                    answer(exchange, 400, "the ship has no name\n");
                } else {
                    var berth = berths.moor(ship);
                    answer(exchange, berth.isPresent() ? 201 : 409, berth.map(n -> "berth " + n).orElse("no berth is free") + "\n");
                }
            }
            default -> answer(exchange, 405, "only GET and POST are known\n");
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(bytes);
        }
    }
}
