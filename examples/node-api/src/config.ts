import { z } from "zod";

const Environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(3000),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info"),
});

/** Reads the settings once, and fails with the name of the variable that is wrong. */
export function readConfig(environment: NodeJS.ProcessEnv) {
  const result = Environment.safeParse(environment);
  if (!result.success) {
    throw new Error(z.prettifyError(result.error));
  }
  return { port: result.data.PORT, logLevel: result.data.LOG_LEVEL };
}
