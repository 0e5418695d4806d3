// SPDX-License-Identifier: GPL-2.0-only
// The package of `npm run package` on the board: installed from a signed feed, upgraded under traffic, removed, without
// flashing.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { type Definition, fullVersion, readDefinition } from "../../../src/host/package/definition.js";
import { opkgFeed } from "../../../src/host/package/feed.js";
import { ipkName } from "../../../src/host/package/ipk.js";
import { makeSigningKeys, readSigningKeys, type SigningKeys } from "../../../src/host/package/signing-keys.js";
import { OLD_VERSION, olderDefinition } from "../../host/package/older-version.js";
import type { Bench } from "./bench.js";
import type { Check } from "./check.js";
import { runThroughBoard } from "./ipsec.js";
import { UPGRADE_FILE } from "./lab-router.js";
import { measureOutage } from "./live-traffic.js";

const EPOCH_SECONDS = 1_700_000_000;
const SETTINGS = "/etc/config/vpnmasq";
const CONFIGURATION = "/etc/vpnmasq.json";
/**
 * What an upgrade may cost, by what a restart of the new version costs: the same and two scripts and a mount besides. Two
 * restarts differ by as much on a busy machine.
 */
function mostOutageSeconds(restartSeconds: number): number {
  return 1.5 * restartSeconds + 1;
}

/** Keys of one's own, made once for a bench. */
function signingKeys(bench: Bench, name: string): { readonly keys: SigningKeys; readonly publicText: string } {
  const folder = path.join(bench.folder, name);
  if (!fs.existsSync(folder)) makeSigningKeys(folder);
  return { keys: readSigningKeys(folder), publicText: fs.readFileSync(path.join(folder, "key-build.pub"), "utf8") };
}

/** Has the LAN's client serve the packages of a version as a feed. */
async function serveFeed(bench: Bench, definition: Definition, keys: SigningKeys): Promise<void> {
  for (const [name, bytes] of await opkgFeed(definition, EPOCH_SECONDS, keys)) bench.serve(name, bytes);
}

/** Tells the board of the feed, as the user does: where it is, and whose signature to believe. */
async function nameFeed(bench: Bench, publicText: string): Promise<void> {
  const feed = path.posix.dirname(await bench.url("Packages"));
  const [comment = "", key = ""] = publicText.trim().split("\n");
  await bench.run(
    `mkdir -p /etc/opkg/keys && echo "src/gz vpnmasq ${feed}" >/etc/opkg/customfeeds.conf && ` +
      `printf '%s\\n' "${comment}" "${key}" >/etc/opkg/keys/vpnmasq`,
  );
}

/** Waits until the router forwards. @returns what the program says of itself */
async function status(bench: Bench): Promise<{ version: string; restored: { source: string } }> {
  await bench.run("for second in $(seq 60); do vpnmasq health >/dev/null && exit; sleep 1; done; exit 1");
  return JSON.parse(await bench.run("vpnmasq status --json")) as { version: string; restored: { source: string } };
}

export const PACKAGE: readonly Check[] = [
  {
    sentence: "a list of packages that nobody known has signed is not believed",
    run: async (bench) => {
      await serveFeed(bench, readDefinition(), signingKeys(bench, "foreign-keys").keys);
      await nameFeed(bench, signingKeys(bench, "keys").publicText);
      assert.match(await bench.runRefused("board-package update"), /is not signed with a key in .*; it is not used/);
      assert.match(await bench.runRefused("board-package install vpnmasq"), /there are no lists of feeds/);
      return undefined;
    },
  },
  {
    sentence: "the package is installed from a signed feed over the image's program, and runs",
    run: async (bench) => {
      const older = olderDefinition(readDefinition(), bench.folder);
      await serveFeed(bench, older, signingKeys(bench, "keys").keys);
      assert.match(await bench.run("board-package update"), /vpnmasq: 3 packages/);
      await bench.run("board-package install vpnmasq");
      assert.match(await bench.run("vpnmasq --version"), new RegExp(OLD_VERSION));
      assert.equal((await status(bench)).version, OLD_VERSION);
      assert.equal(await bench.run("board-package list"), `vpnmasq ${fullVersion(older)}`);
      return undefined;
    },
  },
  {
    sentence: "a package that was damaged, or that needs what the board has not, is refused",
    run: async (bench) => {
      const definition = readDefinition();
      await serveFeed(bench, definition, signingKeys(bench, "keys").keys);
      await bench.run("board-package update");
      const [one] = definition.packages;
      assert.ok(one !== undefined);
      bench.serve(ipkName(definition, one), Buffer.alloc(100_000));
      assert.match(await bench.runRefused("board-package install vpnmasq"), /is not what the feed's list says/);
      assert.match(await bench.runRefused("board-package install luci-app-vpnmasq"), /needs luci-base/);
      assert.equal((await status(bench)).version, OLD_VERSION);
      return undefined;
    },
  },
  {
    sentence: "an upgrade under traffic costs no more than a restart, and keeps the configuration",
    run: async (bench) => {
      await bench.lan.takeLease();
      await bench.run(`echo "# mine" >>${SETTINGS}; sed -i 's/^{/{ "log_level": "info",/' ${CONFIGURATION}`);
      const definition = readDefinition();
      const before = await bench.run(`sha256sum ${SETTINGS} ${CONFIGURATION}`);
      await serveFeed(bench, definition, signingKeys(bench, "keys").keys);
      await bench.run("board-package update");
      const upgrade = await measureOutage(bench, async () => {
        await bench.run("board-package install vpnmasq");
        await status(bench);
      });
      const { version, restored } = await status(bench);
      assert.equal(version, definition.version);
      assert.match(await bench.run("vpnmasq --version"), new RegExp(definition.version));
      assert.equal(restored.source, "journal");
      assert.equal(await bench.run(`sha256sum ${SETTINGS} ${CONFIGURATION}`), before);
      await bench.run(`[ -f ${SETTINGS}-opkg ]`);
      const restart = await measureOutage(bench, async () => {
        await bench.run("/etc/init.d/vpnmasq restart");
        await status(bench);
      });
      const most = mostOutageSeconds(restart);
      assert.ok(upgrade <= most, `the upgrade cost ${upgrade} s, a restart ${restart} s`);
      return {
        restart_outage: { value: restart, unit: "s" },
        package_upgrade_outage: {
          value: upgrade,
          unit: "s",
          reach: `at most ${most.toFixed(1)} s, by the restart's`,
        },
      };
    },
  },
  {
    sentence: "real IPsec tunnels through the board are silent over an upgrade for no longer than over a restart",
    run: async (bench, say) => {
      const definition = readDefinition();
      const { keys } = signingKeys(bench, "keys");
      const [older, newer] = [olderDefinition(definition, bench.folder), definition];
      await serveFeed(bench, older, keys);
      await bench.run("board-package update && board-package remove vpnmasq && board-package install vpnmasq");
      await serveFeed(bench, newer, keys);
      const [one] = newer.packages;
      assert.ok(one !== undefined);
      await bench.run(`wget -q -O ${UPGRADE_FILE} ${await bench.url(ipkName(newer, one))} && sync`);
      const figures = await runThroughBoard(bench, "package-upgrade", say);
      assert.equal((await status(bench)).version, definition.version);
      return figures;
    },
  },
  {
    sentence: "what is installed is there after a power cut, and belongs to the image that it was installed over",
    run: async (bench) => {
      const { version } = readDefinition();
      await bench.powerOn();
      await bench.shell();
      assert.equal((await status(bench)).version, version);
      assert.equal(await bench.run("board-package list"), `vpnmasq ${fullVersion(readDefinition())}`);
      const { running } = await bench.bootState();
      await bench.run(`echo another >/overlay/packages/slot-${running}/image && sync`);
      await bench.powerOn();
      await bench.shell();
      assert.equal(await bench.run("board-package list"), "");
      return undefined;
    },
  },
  {
    sentence: "a package file is installed as it is, and removed again: the image's own program is back",
    run: async (bench) => {
      const older = olderDefinition(readDefinition(), bench.folder);
      const [one] = older.packages;
      assert.ok(one !== undefined);
      const file = ipkName(older, one);
      await serveFeed(bench, older, signingKeys(bench, "keys").keys);
      await bench.run(`wget -q -O /tmp/${file} ${await bench.url(file)} && board-package install /tmp/${file}`);
      assert.equal((await status(bench)).version, OLD_VERSION);
      await bench.run("board-package remove vpnmasq");
      assert.equal((await status(bench)).version, readDefinition().version);
      assert.equal(await bench.run("board-package list"), "");
      return undefined;
    },
  },
];
