import { pino } from "pino";
import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";

import { createApp } from "../src/app.js";
import { Catalogue } from "../src/catalogue.js";

describe("the ship service", () => {
  let app: ReturnType<typeof createApp>;

  beforeEach(() => {
    app = createApp(new Catalogue(), pino({ level: "silent" }));
  });

  it("is healthy", async () => {
    await request(app).get("/health").expect(200, { status: "ok" });
  });

  it("stores a ship and computes its freeboard", async () => {
    const created = await request(app)
      .post("/ships")
      .send({ name: "Vasa", depthMillimetres: 5000, draughtMillimetres: 4800 })
      .expect(201);
    const found = await request(app)
      .get(`/ships/${created.body.id}`)
      .expect(200);
    expect(found.body.freeboardMillimetres).toBe(200);
  });

  it("refuses a ship that lies deeper than its deck", async () => {
    const refused = await request(app)
      .post("/ships")
      .send({ name: "Vasa", depthMillimetres: 4000, draughtMillimetres: 4800 })
      .expect(422);
    expect(refused.body.errors).toHaveProperty("draughtMillimetres");
  });

  it("answers 404 for a ship that is not there", async () => {
    await request(app).get("/ships/seventeen").expect(404);
  });
});
