import { readConfig } from "./config.js";

// The image has no shell and no curl; this script is its health check.
const { port } = readConfig(process.env);

try {
  const response = await fetch(`http://127.0.0.1:${port}/health`, {
    signal: AbortSignal.timeout(2000),
  });
  process.exitCode = response.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
