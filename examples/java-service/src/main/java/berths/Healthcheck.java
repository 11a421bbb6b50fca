package berths;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;

/** The health check of an image that has no shell and no curl: {@code java -cp java-service.jar berths.Healthcheck}. */
public final class Healthcheck {
    private Healthcheck() {}

    public static void main(String[] arguments) {
        System.exit(isHealthy() ? 0 : 1);
    }

    private static boolean isHealthy() {
        try {
            URI address = URI.create("http://127.0.0.1:" + Port.ofEnvironment() + "/health");
            HttpURLConnection connection = (HttpURLConnection) address.toURL().openConnection();
            connection.setConnectTimeout(2000);
            connection.setReadTimeout(2000);
            return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
        } catch (IOException unreachable) {
            return false;
        }
    }
}
