import { pino } from "pino";

import { createApp } from "./app.js";
import { Catalogue } from "./catalogue.js";
import { readConfig } from "./config.js";

const config = readConfig(process.env);
const logger = pino({ level: config.logLevel });

const catalogue = new Catalogue();
catalogue.add({
  name: "Cutty Sark",
  depthMillimetres: 6860,
  draughtMillimetres: 6400,
});

const server = createApp(catalogue, logger).listen(config.port, () => {
  logger.info({ address: server.address() }, "listening");
});

// The container's process 1 gets no default signal handlers: without these, `docker stop` would wait ten seconds.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    logger.info({ signal }, "closing");
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
