package berths;

/** The port of the service. */
final class Port {
    private static final int USUAL = 8080;

    private Port() {}

    static int ofEnvironment() {
        String text = System.getenv("PORT");
        return text == null || text.isEmpty() ? USUAL : Integer.parseInt(text);
    }
}
