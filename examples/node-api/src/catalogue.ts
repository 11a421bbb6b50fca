/** A ship and the freeboard its load line leaves, in millimetres. */
export interface Ship {
  id: number;
  name: string;
  depthMillimetres: number;
  draughtMillimetres: number;
}

/** Keeps ships in memory: the service shows how an image is built, not how data is stored. */
export class Catalogue {
  private readonly ships = new Map<number, Ship>();
  private nextId = 1;

  add(ship: Omit<Ship, "id">): Ship {
    const stored = { id: this.nextId, ...ship };
    this.nextId += 1;
    this.ships.set(stored.id, stored);
    return stored;
  }

  find(id: number): Ship | undefined {
    return this.ships.get(id);
  }

  all(): Ship[] {
    return [...this.ships.values()];
  }
}

/** The distance from the waterline to the deck. */
export function freeboardMillimetres(ship: Ship): number {
  return ship.depthMillimetres - ship.draughtMillimetres;
}
