import { Random } from "../random";
import { World } from "./esp-world";
declare function print(...a: unknown[]): void;
const configs: [string, number, number, number, number, number, boolean][] = [
  ["quiet", 4, 2, 0, 0, Infinity, false],
  ["loss10", 4, 2, 10, 0, Infinity, false],
  ["lost table", 4, 2, 5, 0, Infinity, true],
  ["lost table 6 one server", 6, 1, 5, 0, Infinity, true],
  ["server first 40", 6, 2, 5, 40, Infinity, false],
  ["server first 40 + table", 6, 2, 5, 40, Infinity, true],
  ["server first 40 + table + patience", 6, 2, 5, 40, 15000, true],
  ["server first 100 + patience", 6, 1, 5, 100, 15000, false],
];
for (const [name, clients, servers, lossPercent, serverFirstPercent, patienceMs, lost] of configs) {
  const silences: number[] = [];
  let [mis, del, copies] = [0, 0, 0];
  for (const seed of $range(1, 100)) {
    const world = new World(new Random(seed * 65537), { clients, servers, lossPercent, serverFirstPercent, rekeyMs: 40000, patienceMs });
    world.run(120000);
    if (lost) world.loseTable();
    world.run(120000);
    silences.push(world.longestSilenceMs);
    mis += world.misdelivered; del += world.delivered; copies += world.strangersCopies;
  }
  silences.sort((a, b) => a - b);
  print(name, "p50", silences[49], "p90", silences[89], "p99", silences[98], "max", silences[99], "mis", mis, "del", del, "copies", copies);
}
