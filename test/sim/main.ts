// SPDX-License-Identifier: GPL-2.0-only
import { drawScenario, PROFILES } from "./profiles";
import { Site } from "./site";
import { Trace, diagram } from "./trace";
declare const arg: LuaTable<number, string | undefined>;
const seed0 = tonumber(arg.get(1) ?? "1")!;
const wanted = tonumber(arg.get(2) ?? "1000")!;
const profile = (arg.get(3) ?? "mixed") as keyof typeof PROFILES;
let epochs = 0, events = 0, bad = 0;
let seed = seed0;
collectgarbage('setpause', 400);
const start = os.clock();
while (epochs < wanted) {
  const sc = drawScenario(profile, PROFILES[profile], seed, "vpnmasq");
  const site = new Site(sc, 500, undefined);
  const out = site.run();
  epochs += out.epochs; events += out.events;
  if (out.violation !== undefined) {
    bad += 1;
    print(`seed ${seed}: ${out.violation.promise}: ${out.violation.what} at ${out.violation.atMs / 1000}`);
    if (arg.get(4) !== undefined) {
      const trace = new Trace();
      new Site(sc, 1, trace).run();
      print(diagram(trace.entries, out.violation.client === undefined ? [0,1,2,3,4,5] : [out.violation.client], tonumber(arg.get(4))!));
      break;
    }
  }
  seed += 1;
}
const took = os.clock() - start;
print(`${seed - seed0} sites, ${epochs} epochs, ${events} events, ${bad} bad, ${took} s, ${epochs / took} epochs/s, ${events / took} events/s`);
