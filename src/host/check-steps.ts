// SPDX-License-Identifier: GPL-2.0-only
// What `npm test` checks, in order: the cheap and telling first, side by side, the emulated board and the lab
// with real IPsec last.

import fs from "node:fs";
import path from "node:path";
import { type Counter, countBoardChecks, countBusted, countLuaunit, countNodeTest } from "./test-count.js";

export interface Step {
  readonly name: string;
  /** What `--only` may also say to mean it. */
  readonly group: string;
  readonly command: readonly string[];
  readonly folder?: string;
  readonly limitSeconds: number;
  /** Without one the step counts as one test. */
  readonly count?: Counter;
  /** Bounds on time can be missed because the machine was busy: the step fails when it fails twice. */
  readonly isTimed?: boolean;
  /** Runs beside others of the kind, one for each processor, before all that is alone. */
  readonly isSharing?: boolean;
}

/** Spec folders that run on PUC Lua 5.1 too, without FFI. */
const PURE_SPECS = ["wire", "masquerade", "epoch", "heartbeat", "supervisor"];
/** Spec folders that open sockets: they get a network of their own. */
const SYSTEM_SPECS = ["system", "forwarding"];

/** Everything is collected again and again, and overwritten: see there. The compiler is off, so its spec is left out. */
const COLLECT_OFTEN = ["--helper=test/collect/collect-often.lua", "--exclude-pattern=compiler"];

/** The lab's scenarios with real IPsec; the first may have to make the guest's root from Debian packages, once. */
const LAB_SCENARIOS = [
  "two-clients",
  "rekey",
  "router-killed",
  "nat-wiped",
  "collision",
  "fragments",
  "wan-address-change",
  "ten-clients",
  "baseline",
];
const GUEST_ROOT_LIMIT_SECONDS = 330;
const SCENARIO_LIMIT_SECONDS = 160;

/** Groups of the board's checks. */
const BOARD_CHECKS = ["routing", "damaged-slot"];
/** A minute on an idle machine, and the packages of its image are fetched first, once. */
const BOARD_LIMIT_SECONDS = 600;

/** Tests that need a running router, a browser, or Prometheus's own tools. */
const OPENWRT_TESTS = "openwrt";
const EMPTY_RUN = "mount -t tmpfs tmpfs /run";

const node = ["node", "--test", "--test-reporter=tap"];

/** Epochs of each profile of the simulator: a minute's or so in all, on two processors. */
const SIMULATED_EPOCHS = { mixed: 5000, calm: 1500, stock: 1500, hostile: 300 };

const LUA_FOLDER = "build/lua";

function isFolder(folder: string): boolean {
  return fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function specFolders(): string[] {
  const spec = path.join(LUA_FOLDER, "test/spec");
  return fs.readdirSync(spec).filter((name) => isFolder(path.join(spec, name)));
}

/** The busted command that runs the spec folders on an interpreter. */
function busted(interpreter: string, folders: readonly string[]): string[] {
  const onPuc = interpreter === "lua5.1" ? ["--helper=test/spec/bit-library.lua"] : [];
  const places = folders.map((name) => `test/spec/${name}`);
  return ["busted", `--lua=${interpreter}`, "--lpath=./?.lua", ...onPuc, ...places];
}

function staticSteps(): Step[] {
  const eslint = ["npx", "eslint", "--config", ".eslint/config.mjs", "--max-warnings", "0", "src", "test", "firmware"];
  return [
    { name: "lint", group: "static", command: eslint, limitSeconds: 240, isSharing: true },
    {
      name: "format",
      group: "static",
      command: ["npx", "prettier", "--check", "."],
      limitSeconds: 120,
      isSharing: true,
    },
  ];
}

function nodeSteps(): Step[] {
  const tests = fs
    .readdirSync("build/host/test", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.js") && !file.startsWith(OPENWRT_TESTS))
    .map((file) => path.join("build/host/test", file));
  return [
    {
      name: "lint-rules",
      group: "node",
      command: [...node, ".eslint/all.test.mjs"],
      limitSeconds: 120,
      count: countNodeTest,
      isSharing: true,
    },
    {
      name: "host-tools",
      group: "node",
      command: [...node, ...tests],
      limitSeconds: 600,
      count: countNodeTest,
      isSharing: true,
    },
  ];
}

/** What OpenWrt shows of a running router: in a network and with an empty /run of its own. */
function openwrtSteps(): Step[] {
  const folder = `build/host/test/${OPENWRT_TESTS}/host`;
  const inOwnPlace = [
    "unshare",
    "--net",
    "--mount",
    "--",
    "sh",
    "-c",
    `${EMPTY_RUN} && ip link set lo up && exec "$@"`,
    "sh",
  ];
  return ["collector", "luci"].map((name) => ({
    name,
    group: "openwrt",
    command: [...inOwnPlace, ...node, `${folder}/${name}.test.js`],
    limitSeconds: 240,
    count: countNodeTest,
    isTimed: true,
  }));
}

function specSteps(): Step[] {
  const folders = specFolders();
  const pure = folders.filter((name) => PURE_SPECS.includes(name));
  const system = folders.filter((name) => SYSTEM_SPECS.includes(name));
  const onLuajit = folders.filter((name) => !system.includes(name));
  const inOwnNetwork = ["unshare", "--net", "--mount", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
  const common = { group: "specs", folder: LUA_FOLDER, limitSeconds: 240, count: countBusted, isSharing: true };
  return [
    { ...common, name: "specs-luajit", command: busted("luajit", onLuajit) },
    { ...common, name: "specs-puc-lua", command: busted("lua5.1", pure) },
    { ...common, name: "specs-system", command: [...inOwnNetwork, ...busted("luajit", system)] },
    {
      ...common,
      name: "specs-collected",
      command: [...inOwnNetwork, ...busted("luajit", ["system"]), ...COLLECT_OFTEN, "test/collect"],
      limitSeconds: 400,
      isSharing: false,
      isTimed: true,
    },
  ];
}

/** Each target for a few seconds, always the same inputs; `npm run fuzz` takes longer and others. */
const FUZZ = ["node", "build/host/test/fuzz/host/fuzz.js", "--seconds", "30", "--seed", "1"];

/** The smallest worlds whole, and larger ones to the depth at which epochs of one client meet. */
const EXPLORE = ["node", "build/host/test/explore/host/explore.js", "--clients", "2"];
const EXPLORE_WHOLE = [...EXPLORE, "--epochs", "1"];
const EXPLORE_TOP = [...EXPLORE, "--states", "3000"];
const FAULTS = ["node", "build/host/test/faults/host/faults.js"];

/**
 * The emulated board: the first flash through its U-Boot, and what tells whether it is a router and survives damage.
 * `npm run board` checks all. Its bounds are for what hangs, so a busy machine only takes longer.
 */
function boardSteps(): Step[] {
  return [
    {
      name: "board",
      group: "board",
      command: ["node", "build/host/test/board/host/board.js", "--only", BOARD_CHECKS.join(",")],
      limitSeconds: BOARD_LIMIT_SECONDS,
      count: countBoardChecks,
    },
  ];
}

/** The simulator for a minute or so: each profile, always with the same seeds. */
function simulatorSteps(): Step[] {
  return Object.entries(SIMULATED_EPOCHS).map(([profile, epochs]) => ({
    name: `sim-${profile}`,
    group: "sim",
    command: ["node", "build/host/test/sim/host/sim.js", "--profile", profile, "--epochs", String(epochs)],
    limitSeconds: 240,
  }));
}

function labSteps(): Step[] {
  return LAB_SCENARIOS.map((scenario, index) => ({
    name: scenario,
    group: "lab",
    command: ["node", "build/host/test/lab/host/lab.js", scenario],
    limitSeconds: SCENARIO_LIMIT_SECONDS + (index === 0 ? GUEST_ROOT_LIMIT_SECONDS : 0),
    isTimed: true,
  }));
}

/** All steps, for what is built now. */
export function checkSteps(): Step[] {
  const selftest = ["build/vpnmasq", "selftest"];
  return [
    ...staticSteps(),
    ...nodeSteps(),
    ...specSteps(),
    { name: "selftest", group: "selftest", command: selftest, limitSeconds: 60, count: countLuaunit, isSharing: true },
    { name: "fuzz", group: "proof", command: FUZZ, limitSeconds: 120, isSharing: true },
    { name: "explore-whole", group: "proof", command: EXPLORE_WHOLE, limitSeconds: 300, isSharing: true },
    { name: "explore", group: "proof", command: EXPLORE_TOP, limitSeconds: 300, isSharing: true },
    { name: "faults", group: "proof", command: FAULTS, limitSeconds: 400, isTimed: true },
    ...openwrtSteps(),
    ...boardSteps(),
    ...simulatorSteps(),
    ...labSteps(),
  ];
}
