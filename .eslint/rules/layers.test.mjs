// SPDX-License-Identifier: GPL-2.0-only
// An import that points upwards between the layers is refused.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./layers.mjs";

testRule("layers", rule, [
  right("import { unsigned } from './word';", { place: "src/wire/bytes.ts" }),
  right("import { unsigned } from '../wire/word';", { place: "src/masquerade/esp.ts" }),
  right("import { ring } from '../system/ring';", { place: "src/forwarding/router.ts" }),
  right("require('../../test/selftest/selftest');", { place: "src/app/main.ts" }),
  right("import { anything } from '../../src/app/main';", { place: "test/spec/a.ts" }),
  wrong("import { table } from '../masquerade/table';", ["upward"], { place: "src/wire/esp.ts" }),
  wrong("import type { Ring } from '../system/ring';", ["upward"], { place: "src/masquerade/esp.ts" }),
  wrong("export { main } from '../app/main';", ["upward"], { place: "src/system/ring.ts" }),
  wrong("export * from '../watchdog/pins';", ["upward"], { place: "src/forwarding/router.ts" }),
  wrong("type Main = import('../app/main').Main;", ["upward"], { place: "src/wire/esp.ts" }),
  wrong("require('../system/clock');", ["upward"], { place: "src/epoch/epoch.ts" }),
  wrong("import { sample } from '../../test/sample';", ["test"], { place: "src/wire/esp.ts" }),
  wrong("import { a } from './a';", ["unknown"], { place: "src/novelty/b.ts" }),
]);
