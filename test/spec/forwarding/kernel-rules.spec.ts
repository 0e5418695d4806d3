// SPDX-License-Identifier: GPL-2.0-only
// The rules to the letter: each line of them decides what the kernel is kept from.

import { kernelRules } from "../../../src/forwarding/kernel-rules";
import { address } from "../frame";
import { Namespace } from "./namespace";
import { sampleTerritory, withoutWanAddress } from "./sample-territory";

const OWNER = "0badcafe";

/** The second table, for what an ifb gives back, as far as both scopes have the same. */
const LATE_BEGINNING = `add table ip vpnmasq
delete table ip vpnmasq
table ip vpnmasq {
  chain owner_0badcafe { }
  chain wan {
    type filter hook prerouting priority -500; policy accept;
    iifname != "wan0" accept
    meta iifkind "bridge" accept
    ip daddr 198.51.100.1 ip protocol esp drop
    ip daddr 198.51.100.1 udp sport 500 drop
`;

describe("the kernel's rules as text", () => {
  it("drop IKE, ESP and errors about them in scope vpn, and nothing else", () => {
    const expected = `add table netdev vpnmasq
delete table netdev vpnmasq
table netdev vpnmasq {
  chain owner_0badcafe { }
  chain lan {
    type filter hook ingress device "lan0" priority -500; policy accept;
    meta pkttype != host accept
    vlan id != 0 accept
    ip daddr 224.0.0.0-255.255.255.255 accept
    ip daddr { 10.7.0.1, 198.51.100.1 } accept
    ip protocol esp drop
    udp dport 500 drop
    icmp type { 3, 11, 12 } @th,136,8 50 drop
    icmp type { 3, 11, 12 } @th,136,8 17 @th,224,16 500 drop
  }
  chain wan {
    type filter hook ingress device "wan0" priority -500; policy accept;
    meta pkttype != host accept
    vlan id != 0 accept
    ip daddr 198.51.100.1 ip protocol esp drop
    ip daddr 198.51.100.1 udp sport 500 drop
  }
}
${LATE_BEGINNING}  }
}
`;
    assert.equal(expected, kernelRules(sampleTerritory(), true, true, OWNER));
  });

  it("drop all that clients send beyond the router in scope all, but for its own services", () => {
    const territory = sampleTerritory({ scope: "all", ownTcpPorts: [22, 61001], ownUdpPorts: [53] });
    const expected = `add table netdev vpnmasq
delete table netdev vpnmasq
table netdev vpnmasq {
  chain owner_0badcafe { }
  chain lan {
    type filter hook ingress device "lan0" priority -500; policy accept;
    meta pkttype != host accept
    vlan id != 0 accept
    ip daddr 224.0.0.0-255.255.255.255 accept
    ip daddr { 10.7.0.1 } accept
    ip daddr 198.51.100.1 tcp dport { 22, 61000-65535 } accept
    ip daddr 198.51.100.1 udp dport { 53, 61000-65535 } accept
    ip daddr 198.51.100.1 icmp type echo-request accept
    ip protocol { icmp, tcp, udp, esp } drop
  }
  chain wan {
    type filter hook ingress device "wan0" priority -500; policy accept;
    meta pkttype != host accept
    vlan id != 0 accept
    ip daddr 198.51.100.1 ip protocol esp drop
    ip daddr 198.51.100.1 udp sport 500 drop
    ip daddr 198.51.100.1 tcp dport { 22, 61000-65535 } accept
    ip daddr 198.51.100.1 udp dport { 53, 61000-65535 } accept
    ip daddr 198.51.100.1 tcp dport >= 600 drop
    ip daddr 198.51.100.1 udp dport >= 600 drop
  }
}
${LATE_BEGINNING}    ip daddr 198.51.100.1 tcp dport { 22, 61000-65535 } accept
    ip daddr 198.51.100.1 udp dport { 53, 61000-65535 } accept
    ip daddr 198.51.100.1 tcp dport >= 600 drop
    ip daddr 198.51.100.1 udp dport >= 600 drop
  }
}
`;
    assert.equal(expected, kernelRules(territory, true, true, OWNER));
  });

  it("leave the router's own IPsec peers to the kernel, from both sides", () => {
    const text = kernelRules(sampleTerritory({ ownPeers: [address("203.0.113.7")] }), true, true, OWNER);
    assert.matches("ip daddr { 10%.7%.0%.1, 198%.51%.100%.1, 203%.0%.113%.7 } accept", text);
    assert.matches("ip saddr { 203%.0%.113%.7 } accept", text);
  });

  it("name no interface that is not there, and drop nothing from the WAN while it has no address", () => {
    assert.is_nil(string.find(kernelRules(sampleTerritory(), true, false, OWNER), "wan0", 1, true)[0]);
    assert.is_nil(string.find(kernelRules(sampleTerritory(), false, true, OWNER), "lan0", 1, true)[0]);
    const [wanChain] = string.match(
      kernelRules(withoutWanAddress(sampleTerritory()), true, true, OWNER),
      "chain wan (%b{})",
    );
    assert.is_nil(string.find(wanChain, "drop", 1, true)[0]);
  });

  it("are taken by nft, and replace themselves", () => {
    const namespace = new Namespace();
    namespace.ip("link add lan0 type veth peer name wan0");
    for (const scope of ["vpn", "all", "vpn"] as const) {
      const territory = sampleTerritory({ scope, ownPeers: [address("203.0.113.7")], ownTcpPorts: [22] });
      namespace.shell(`nft -f - <<'end'\n${kernelRules(territory, true, true, OWNER)}end\n`);
    }
    namespace.close();
  });
});
