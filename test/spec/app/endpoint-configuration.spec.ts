// SPDX-License-Identifier: GPL-2.0-only
// An endpoint's documents: what is accepted, and what a person is told of what is not.

import type { DocumentKey } from "../../../src/app/document-key";
import { parseDocument } from "../../../src/app/document";
import {
  type EndpointConfiguration,
  isEndpointDocument,
  readEndpointConfiguration,
} from "../../../src/app/endpoint-configuration";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "../../../src/app/endpoint-keys";
import { goodEndpointView, keysView } from "../../../src/app/view/check-view";
import { displayWidth } from "../../../src/app/text/layout";
import { address } from "../frame";

const OFFICE =
  '{"name": "office", "daemon": "libreswan", "connection": "office", "ping_source": "10.0.1.1", "ping_target": "10.99.0.1"}';

function read(document: string): LuaMultiReturn<[EndpointConfiguration, undefined] | [undefined, string[]]> {
  const [raw, problems] = parseDocument(document);
  if (raw === undefined) return $multi(undefined, problems);
  return readEndpointConfiguration(raw);
}

function good(document: string): EndpointConfiguration {
  const [configuration, problems] = read(document);
  assert.same([], problems ?? []);
  return configuration!;
}

function problemsOf(document: string): string[] {
  const [configuration, problems] = read(document);
  assert.is_nil(configuration);
  return problems!;
}

function withTunnel(more: string): string {
  return `{"tunnels": [${OFFICE}]${more}}`;
}

describe("an endpoint's configuration", () => {
  it("needs one tunnel, and its standards satisfy every inequality, for a client and for a server", () => {
    const { role, tunnels, control } = good(withTunnel(""));
    assert.equal("client", role);
    assert.equal("/var/run/vpnmasq/endpoint.sock", control);
    assert.same({ source: address("10.0.1.1"), target: address("10.99.0.1") }, tunnels[0].ping!);
    assert.equal(60_000, tunnels[0].parameters.clientLeadMs);
    assert.equal(1, tunnels[0].parameters.fuzz);
    assert.equal(0, good(withTunnel(', "role": "server"')).tunnels[0].parameters.clientLeadMs);
  });

  it("accepts the standard value of each key", () => {
    const keys: readonly DocumentKey[] = [...ENDPOINT_KEYS, ...TUNNEL_KEYS];
    for (const { key, standard, read: readValue } of keys) {
      if (standard !== undefined) assert.is_not_nil(readValue(standard), key);
    }
  });

  it("is told apart from a router's", () => {
    assert.is_true(isEndpointDocument(parseDocument(withTunnel(""))[0]!));
    assert.is_false(isEndpointDocument(parseDocument('{"lan": "eth0", "wan": "eth1"}')[0]!));
  });

  it("knows how long each daemon keeps an old epoch, unless it is told", () => {
    const swan = '{"name": "a", "daemon": "strongswan", "connection": "a/b"}';
    const told = '{"name": "b", "daemon": "libreswan", "connection": "b", "old_epoch_ms": 5000}';
    const { tunnels } = good(`{"role": "server", "tunnels": [${OFFICE}, ${swan}, ${told}]}`);
    assert.same(
      [800, 0, 5000],
      tunnels.map(({ parameters }) => parameters.oldEpochMs),
    );
  });

  it("says in which tunnel a mistake is", () => {
    assert.same(
      [
        'tunnels[2].name: "a b" is not accepted; use a name of 1 to 32 letters, digits and . _ -',
        'tunnels[2].daemon: must be given; use "libreswan" or "strongswan"',
        "tunnels[2].connection: must be given; use a name of 1 to 100 letters, digits and . _ - /",
        "tunnels[3]: use an object",
      ],
      problemsOf(`{"tunnels": [${OFFICE}, {"name": "a b"}, 5]}`),
    );
    assert.same(
      ["tunnels: [] is not accepted; use a list of at least one tunnel, each an object"],
      problemsOf('{"tunnels": []}'),
    );
  });

  it("refuses names that a command line could take for an option", () => {
    const dash = OFFICE.replace('"connection": "office"', '"connection": "--shutdown"');
    assert.equal(1, problemsOf(`{"tunnels": [${dash}]}`).length);
  });

  it("names the inequality that does not hold, and the numbers", () => {
    assert.same(
      [
        "pingtime * pingtries / Tout > other tunnels does not hold: 0.75 tunnels > 4 tunnels is false; the epoch would be given up before the NAT gives this tunnel its turn",
      ],
      problemsOf(withTunnel(', "timers": {"ping_tries": 2}')),
    );
  });

  it("wants what a client needs for its pings, each name once, and networks of both sides", () => {
    const plain = '{"name": "office", "daemon": "libreswan", "connection": "x", "local_networks": ["10.0.0.0/8"]}';
    assert.same(
      [
        'name: two tunnels are "office"; use a name once',
        "office: a client pings; give ping_source and ping_target",
        "office: give local_networks and remote_networks, or neither",
      ],
      problemsOf(`{"tunnels": [${OFFICE}, ${plain}]}`),
    );
  });
});

describe("`vpnmasq check` of an endpoint", () => {
  it("says what it watches, within 80 columns", () => {
    assert.same(
      [
        "/etc/e.json is good:",
        "  watches      1 tunnel as the client",
        "  office       libreswan connection office, peer any; what the daemon's policies",
        "               say; pings 10.99.0.1 from 10.0.1.1",
        "  hook         none",
        "  control      /var/run/vpnmasq/endpoint.sock",
        "  changed      timers.max_idle_ms 5000",
      ],
      goodEndpointView("/etc/e.json", good(withTunnel(', "timers": {"max_idle_ms": 5000}'))),
    );
  });

  it("lists the keys of both roles within 80 columns", () => {
    const lines = keysView();
    assert.is_true(lines.includes("timers.ping_tries  (6)"));
    assert.is_true(lines.includes("lan  (must be given)"));
    for (const line of lines) assert.is_true(displayWidth(line) <= 80, line);
  });
});
