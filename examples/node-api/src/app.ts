import express from "express";
import helmet from "helmet";
import { type Logger } from "pino";
import { pinoHttp } from "pino-http";
import { z } from "zod";

import {
  type Catalogue,
  freeboardMillimetres,
  type Ship,
} from "./catalogue.js";

const NewShip = z
  .object({
    name: z.string().trim().min(1).max(80),
    depthMillimetres: z.number().int().positive(),
    draughtMillimetres: z.number().int().nonnegative(),
  })
  .refine((ship) => ship.draughtMillimetres < ship.depthMillimetres, {
    message: "the draught must be smaller than the depth",
    path: ["draughtMillimetres"],
  });

const Id = z.coerce.number().int().positive();

function view(ship: Ship) {
  return { ...ship, freeboardMillimetres: freeboardMillimetres(ship) };
}

/** Builds the application without listening, so that tests can call it directly. */
export function createApp(catalogue: Catalogue, logger: Logger) {
  const app = express();
  app.use(helmet());
  app.use(express.json({ limit: "16kb" }));
  app.use(
    pinoHttp({
      logger,
      autoLogging: { ignore: (request) => request.url === "/health" },
    }),
  );

  app.get("/health", (_request, response) => {
    response.json({ status: "ok" });
  });

  app.get("/ships", (_request, response) => {
    response.json(catalogue.all().map(view));
  });

  app.post("/ships", (request, response) => {
    const parsed = NewShip.safeParse(request.body);
    if (!parsed.success) {
      response
        .status(422)
        .json({ errors: z.flattenError(parsed.error).fieldErrors });
      return;
    }
    response.status(201).json(view(catalogue.add(parsed.data)));
  });

  app.get("/ships/:id", (request, response) => {
    const id = Id.safeParse(request.params.id);
    const ship = id.success ? catalogue.find(id.data) : undefined;
    if (ship === undefined) {
      response.status(404).json({ error: "no such ship" });
      return;
    }
    response.json(view(ship));
  });

  return app;
}
