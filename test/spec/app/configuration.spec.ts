// SPDX-License-Identifier: GPL-2.0-only
// Configuration documents: what is accepted, and what a person is told of what is not.

import { needsRestart } from "../../../src/app/document-key";
import { checkConfiguration, type Configuration, takeLiveKeys } from "../../../src/app/configuration";
import { CONFIGURATION_KEYS, limitKey } from "../../../src/app/configuration-keys";
import { badConfigurationView, goodConfigurationView } from "../../../src/app/view/check-view";
import { displayWidth } from "../../../src/app/text/layout";
import { DEFAULT_LIMITS, type Limits } from "../../../src/masquerade/limits";
import { formatPrefix } from "../../../src/wire/address";

function good(document: string): Configuration {
  const [configuration, problems] = checkConfiguration(document);
  assert.same([], problems ?? []);
  return configuration!;
}

function problemsOf(document: string): string[] {
  const [configuration, problems] = checkConfiguration(document);
  assert.is_nil(configuration);
  return problems!;
}

/** A document with the two keys that must be given, and more. */
function documentWith(more: string): string {
  return `{"lan": "eth0", "wan": "eth1", ${more}}`;
}

describe("a configuration", () => {
  it("needs two interfaces and has standards for everything else", () => {
    const configuration = good('{"lan": "br-lan", "wan": "pppoe-wan"}');
    assert.equal("br-lan", configuration.lan);
    assert.equal("vpn", configuration.scope);
    assert.equal("/var/run/vpnmasq/control.sock", configuration.control);
    assert.is_nil(configuration.flashSnapshot);
    assert.same(DEFAULT_LIMITS, configuration.limits);
  });

  it("has a key for every limit", () => {
    const keys = CONFIGURATION_KEYS.map(({ key }) => key);
    for (const field of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
      assert.is_true(keys.includes(limitKey(field)), field);
    }
  });

  it("accepts the standard value of each key", () => {
    for (const { key, standard, read } of CONFIGURATION_KEYS) {
      if (standard !== undefined) assert.is_not_nil(read(standard), key);
    }
  });

  it("converts what is given", () => {
    const configuration = good(
      documentWith(
        '"lan_networks": ["192.168.1.0/24", "10.0.0.0/8"], "flash_snapshot": "/etc/vpnmasq/snapshot",' +
          '"flash_interval_s": 60, "own_ports": {"tcp": [22, 80]}, "limits": {"esp_idle_ms": 900000}',
      ),
    );
    assert.same(
      ["192.168.1.0/24", "10.0.0.0/8"],
      configuration.lanNetworks.map((prefix) => formatPrefix(prefix)),
    );
    assert.equal(60_000, configuration.flashIntervalMs);
    assert.equal("/etc/vpnmasq/snapshot", configuration.flashSnapshot!);
    assert.same([22, 80], configuration.ownTcpPorts as number[]);
    assert.equal(900_000, configuration.limits.espIdleMs);
  });

  it("is told all its mistakes at once, with key, value and what is accepted", () => {
    assert.same(
      [
        'skope: there is no such key; did you mean "scope"?',
        'wan: must be given; use an interface name, 1 to 15 characters, as "eth0"',
        'scope: "vpm" is not accepted; use "vpn" or "all"',
        'lan_networks: ["10.0.0.1/8"] is not accepted; use a list of networks, each an address with host bits 0 and a length 0-32, as 192.0.2.0/24',
        "own_ports.tcp: [0] is not accepted; use a list of port numbers, 1 to 65535",
        "receive_frames: 100 is not accepted; use a power of two from 64 to 16384",
        "limits.esp_idle_ms: 1.5 is not accepted; use a whole number from 15000 to 604800000 (ms)".replace(
          "1.5",
          "1.500",
        ),
      ],
      problemsOf(
        '{"lan": "eth0", "skope": 1, "scope": "vpm", "lan_networks": ["10.0.0.1/8"], "own_ports": {"tcp": [0]},' +
          '"receive_frames": 100, "limits": {"esp_idle_ms": 1.5}}',
      ),
    );
  });

  it("shows a key that would steer a terminal, or not be seen, as JSON writes it", () => {
    assert.same(
      [
        '"": there is no such key; `vpnmasq check --keys` lists all',
        "\\u001b[31mred: there is no such key; `vpnmasq check --keys` lists all",
      ],
      problemsOf(documentWith('"": 1, "\\u001b[31mred": 2')),
    );
  });

  it("suggests no key where none is near", () => {
    assert.same(
      ["limits.warp_factor: there is no such key; `vpnmasq check --keys` lists all"],
      problemsOf(documentWith('"limits": {"warp_factor": 9}')),
    );
  });

  it("refuses what is of another type", () => {
    for (const more of ['"lan_networks": "10.0.0.0/8"', '"lan_networks": {"a": "10.0.0.0/8"}', '"control": "run"']) {
      assert.equal(1, problemsOf(documentWith(more)).length, more);
    }
    for (const more of ['"limits": 5', '"own_ports": [1]', '"scope": null', '"bypass_queueing": 1', '"lan": "a/b"']) {
      assert.equal(1, problemsOf(documentWith(more)).length, more);
    }
  });

  it("names the inequality that does not hold, and the numbers", () => {
    assert.same(
      [
        "limits.esp_outstanding_ms <= limits.esp_unconfirmed_idle_ms does not hold: 70000 > 60000; an epoch would be forgotten during its turn",
      ],
      problemsOf(documentWith('"limits": {"esp_outstanding_ms": 70000}')),
    );
    assert.same(['lan, wan: both are "eth0"; use two interfaces'], problemsOf('{"lan": "eth0", "wan": "eth0"}'));
  });

  it("has a line and a column where it is no JSON", () => {
    assert.same(
      ["not JSON: line 2, column 10: Expected value but found invalid token"],
      problemsOf('{"lan": "eth0",\n  "wan": eth1}'),
    );
    assert.same(['not an object; use {"lan": "...", "wan": "..."}'], problemsOf("[1]"));
    assert.equal(1, problemsOf("").length);
    assert.equal(1, problemsOf('{"lan": "eth0", "wan": "eth1", "flash_interval_s": NaN}').length);
  });

  it("tells which changes wait for a restart", () => {
    const running = good('{"lan": "eth0", "wan": "eth1"}');
    const fresh = good(documentWith('"log_level": "debug", "limits": {"esp_items_max": 64, "esp_idle_ms": 900000}'));
    assert.same(
      ["limits.esp_items_max", "limits.esp_idle_ms"],
      needsRestart(CONFIGURATION_KEYS, running.effective, fresh.effective),
    );
    assert.same([], needsRestart(CONFIGURATION_KEYS, running.effective, running.effective));
    const after = takeLiveKeys(running, fresh);
    assert.equal("debug", after.logLevel);
    assert.equal("debug", after.effective["log_level"]);
    assert.same(running.limits, after.limits);
    assert.same(
      ["limits.esp_items_max", "limits.esp_idle_ms"],
      needsRestart(CONFIGURATION_KEYS, after.effective, fresh.effective),
    );
  });
});

describe("`vpnmasq check`", () => {
  it("says what a good configuration does", () => {
    assert.same(
      [
        "/etc/vpnmasq.json is good:",
        "  masquerades  IKE and ESP; everything else stays the kernel's",
        "  clients      192.168.1.0/24, on eth0",
        "  servers      behind eth1",
        "  kernel       kept off these packets by a table of nftables",
        "  snapshot     journal in /var/run/vpnmasq; none on flash: a reboot forgets it",
        "  control      /var/run/vpnmasq/control.sock",
        '  changed      lan_networks ["192.168.1.0/24"], limits.esp_idle_ms 900000',
      ],
      goodConfigurationView(
        "/etc/vpnmasq.json",
        good(documentWith('"lan_networks": ["192.168.1.0/24"], "limits": {"esp_idle_ms": 900000}')),
      ),
    );
  });

  it("lists mistakes within 80 columns", () => {
    const problems = problemsOf('{"lan": "eth0", "lan_networks": 5, "limits": {"esp_idle_ms": 5}}');
    const lines = badConfigurationView("/etc/vpnmasq.json", problems);
    assert.equal("/etc/vpnmasq.json: 3 problems", lines[0]);
    for (const line of lines) assert.is_true(displayWidth(line) <= 80, line);
  });
});
