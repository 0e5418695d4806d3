// SPDX-License-Identifier: GPL-2.0-only
// Which client owns an incoming SPI: learned by order, kept while in use, doubted when there is reason to.
//
// Names: 0xa… are Alice's SPIs, 0xb… Bob's, 0xc… Carol's; 0x.0… go out, 0x.1… come in.

import { ESP_RECORD_WORDS, EspField, LEARNED_TEXTS, Phase } from "../../../src/masquerade/esp-record";
import { Action } from "../../../src/masquerade/verdict";
import { toWord } from "../../../src/wire/word";
import { Random } from "../random";
import { auditEsp } from "./esp-audit";
import { ALICE, BOB, CAROL, EspSite, OTHER_SERVER, SERVER, TOUT_MS } from "./esp-site";

const A_OUT = 0xa0001;
const A_IN = 0xa1001;
const B_OUT = 0xb0001;
const B_IN = 0xb1001;
const C_OUT = 0xc0001;
const C_IN = 0xc1001;
const TEI_MS = 3600000;
const NOUT = 4;

function serverCount(site: EspSite): number {
  let servers = 0;
  for (const [] of site.tracker.servers) servers += 1;
  return servers;
}

describe("An ESP epoch", () => {
  it("is outstanding with its first packet and established with the answer", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE);
    assert.equal("esp-first", site.sends(ALICE, A_OUT));
    assert.equal("esp-outstanding", site.sends(ALICE, A_OUT));
    assert.equal("esp-bound", site.answers(A_IN));
    assert.same([ALICE], site.receivers());
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
    assert.equal("esp-established", site.answers(A_IN));
    assert.same([ALICE], site.receivers());
  });

  it("counts the bytes of each direction", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.sends(ALICE, A_OUT);
    site.answers(A_IN);
    site.answers(A_IN);
    assert.equal(200, site.tracker.records.bytes[0]);
    assert.equal(300, site.tracker.records.bytes[1]);
  });

  it("is journalled when its incoming SPI is learned and when it is forgotten", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    assert.equal(1, site.tracker.learned.length);
    site.pass(TEI_MS + 10000);
    assert.same([{ client: ALICE, server: SERVER, inSpi: A_IN }], site.tracker.forgotten);
  });

  it("lives next to older ones of its tunnel, each with its own SPIs", () => {
    const site = new EspSite();
    for (const epoch of $range(0, 3)) site.establish(ALICE, A_OUT + epoch, A_IN + epoch);
    for (const epoch of $range(0, 3)) {
      assert.equal("esp-established", site.sends(ALICE, A_OUT + epoch));
      assert.equal("esp-established", site.answers(A_IN + epoch));
      assert.same([ALICE], site.receivers());
    }
  });

  it("may have the same SPIs with another server", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.establish(BOB, A_OUT, A_IN, OTHER_SERVER);
    site.numbered(A_IN, 10);
    assert.same([ALICE], site.receivers());
    site.numbered(A_IN, 10, OTHER_SERVER);
    assert.same([BOB], site.receivers());
  });

  it("is forgotten after Tei without traffic, not before, and either direction keeps it", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.establish(BOB, B_OUT, B_IN);
    site.pass(TEI_MS - 10000);
    assert.equal(2, site.tracker.count());
    site.sends(ALICE, A_OUT);
    site.pass(20000);
    assert.equal(1, site.tracker.count());
    site.pass(TEI_MS - 30000);
    assert.equal("esp-established", site.answers(A_IN));
    site.pass(TEI_MS - 10000);
    assert.equal(1, site.tracker.count());
    site.pass(20000);
    assert.equal(0, site.tracker.count());
    site.pass(60000);
    assert.is_false(site.tracker.servers.has(SERVER), "a server without items is forgotten");
  });

  it("goes on when sequence numbers pass 2^32 and when they pass 2^31", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.negotiates(BOB);
    for (const start of [0x40000000, 0x7ffffffa, -6]) {
      site.numbered(A_IN, toWord(start));
      for (const step of $range(1, 12)) {
        assert.equal("esp-established", site.numbered(A_IN, toWord(start + step)));
        assert.same([ALICE], site.receivers());
      }
    }
  });
});

describe("While one client's epoch is unanswered", () => {
  it("another client's first packet to that server is held and leaves when the outstanding item binds", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    site.sends(ALICE, A_OUT);
    assert.equal("esp-waiting", site.sends(BOB, B_OUT));
    const key = site.holdKey();
    assert.equal("esp-waiting", site.sends(BOB, B_OUT));
    assert.equal(key, site.holdKey());
    assert.same([], site.released());
    site.answers(A_IN);
    assert.same([key], site.released());
    assert.equal("esp-outstanding", site.sends(BOB, B_OUT));
    assert.equal("esp-bound", site.answers(B_IN));
    assert.same([BOB], site.receivers());
    site.answers(A_IN);
    assert.same([ALICE], site.receivers());
  });

  it("packets to another server pass", () => {
    const site = new EspSite();
    site.sends(ALICE, A_OUT);
    assert.equal("esp-first", site.sends(BOB, B_OUT, OTHER_SERVER));
  });

  it("turns come in the order of first packets", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB, CAROL);
    site.sends(ALICE, A_OUT);
    site.sends(CAROL, C_OUT);
    const carol = site.holdKey();
    site.sends(BOB, B_OUT);
    const bob = site.holdKey();
    site.answers(A_IN);
    assert.same([carol], site.released());
    site.answers(C_IN);
    assert.same([CAROL], site.receivers());
    assert.same([bob], site.released());
    site.answers(B_IN);
    assert.same([BOB], site.receivers());
  });

  it("a newcomer does not overtake those that wait, even between two turns", () => {
    const site = new EspSite();
    site.tracker.startRelearning(site.nowMs);
    assert.equal("esp-relearning", site.sends(ALICE, A_OUT));
    site.ike.negotiates(BOB);
    assert.equal("esp-waiting", site.sends(BOB, B_OUT));
  });

  it("its client may open more epochs in the same turn, and each answer goes to it", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    site.sends(ALICE, A_OUT);
    assert.equal("esp-first", site.sends(ALICE, A_OUT + 1));
    site.sends(BOB, B_OUT);
    site.answers(A_IN + 1);
    assert.same([ALICE], site.receivers());
    assert.same([], site.released(), "one of its epochs is still unanswered");
    site.answers(A_IN);
    assert.same([ALICE], site.receivers());
    assert.equal(1, site.released().length);
  });

  /** Alice has the turn, Bob waits, and one packet of hers beyond Nout is held: under this key, after Bob's. */
  function beyondNout(site: EspSite): number {
    site.sends(ALICE, A_OUT);
    for (const _ of $range(1, 20)) assert.equal("esp-outstanding", site.sends(ALICE, A_OUT));
    site.sends(BOB, B_OUT);
    site.pass(1);
    for (const _ of $range(1, NOUT)) assert.equal("esp-outstanding", site.sends(ALICE, A_OUT));
    assert.equal("esp-outstanding-limit", site.sends(ALICE, A_OUT));
    return site.holdKey();
  }

  it("it sends as much as it likes, but once others wait at most Nout more; what is held leaves with the answer", () => {
    const site = new EspSite();
    const key = beyondNout(site);
    assert.same([], site.released());
    site.answers(A_IN);
    assert.equal(key, site.released()[0]);
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
  });

  it("what is held beyond Nout goes on at a packet a tick, so that the turn can still be answered", () => {
    const site = new EspSite();
    const key = beyondNout(site);
    for (const _ of $range(1, 3)) {
      site.pass(100);
      assert.same([key], site.released());
      assert.equal("esp-outstanding", site.sends(ALICE, A_OUT));
      assert.equal("esp-outstanding-limit", site.sends(ALICE, A_OUT));
    }
  });

  it("what is still held when its turn ends waits for its next one, behind the others", () => {
    const site = new EspSite();
    const key = beyondNout(site);
    site.pass(TOUT_MS - 300);
    site.sends(BOB, B_OUT);
    while (site.verdict.reason === "esp-waiting") {
      site.released();
      site.sends(ALICE, A_OUT);
      site.sends(ALICE, A_OUT);
      site.pass(100);
      site.sends(BOB, B_OUT);
    }
    assert.same([], site.releases.discarded);
    assert.is_false(site.released().includes(key), "Bob has the turn");
    site.answers(B_IN);
    assert.same([BOB], site.receivers());
    assert.same([key], site.released());
    assert.equal("esp-outstanding", site.sends(ALICE, A_OUT));
  });

  it("it is dropped beyond Nout where the published mechanism is asked for", () => {
    const site = new EspSite({}, "published");
    site.sends(ALICE, A_OUT);
    site.sends(BOB, B_OUT);
    site.pass(1);
    for (const _ of $range(1, NOUT)) site.sends(ALICE, A_OUT);
    assert.equal("esp-outstanding-limit", site.sends(ALICE, A_OUT));
    assert.equal(Action.Drop, site.verdict.action);
  });

  it("others wait no longer than Tout; then it starts again behind them", () => {
    const site = new EspSite();
    site.sends(ALICE, A_OUT);
    site.pass(1000);
    site.sends(BOB, B_OUT);
    site.pass(TOUT_MS - 1100);
    assert.same([], site.released());
    site.pass(100);
    assert.equal(1, site.released().length);
    assert.equal("esp-waiting", site.sends(ALICE, A_OUT));
  });

  it("its turn goes on while nobody waits and it keeps trying, and ends when it is silent for Tout", () => {
    const site = new EspSite();
    site.sends(ALICE, A_OUT);
    for (const _ of $range(1, 20)) {
      site.pass(1000);
      assert.equal("esp-outstanding", site.sends(ALICE, A_OUT));
    }
    assert.equal(1, site.tracker.count());
    site.pass(2 * TOUT_MS + 200);
    assert.equal(0, site.tracker.count());
    assert.equal("esp-first", site.sends(BOB, B_OUT));
  });

  it("one client with many waiting epochs makes others wait for one turn, not for one each", () => {
    const site = new EspSite();
    site.sends(BOB, B_OUT);
    for (const epoch of $range(0, 30)) site.sends(ALICE, A_OUT + epoch);
    site.sends(CAROL, C_OUT);
    const carol = site.holdKey();
    site.pass(2 * TOUT_MS);
    assert.is_true(site.released().includes(carol));
  });

  it("no more packets wait at one server than its limit", () => {
    const site = new EspSite({ waitingPerServerMax: 3 });
    site.sends(ALICE, A_OUT);
    for (const client of $range(1, 3)) assert.equal("esp-waiting", site.sends(BOB + client, B_OUT + client));
    assert.equal("esp-waiting-limit", site.sends(BOB, B_OUT));
  });

  describe("and its answer was taken by an older epoch of the client's", () => {
    /** Alice renews before her first epoch is answered, and what answers the second passes for the first one's answer. */
    function takenAnswer(): EspSite {
      const site = new EspSite();
      site.ike.negotiates(ALICE);
      site.sends(ALICE, A_OUT);
      site.ike.negotiates(ALICE);
      assert.equal("esp-bound", site.answers(A_IN + 1));
      site.pass(200);
      assert.equal("esp-first", site.sends(ALICE, A_OUT + 1));
      site.ike.negotiates(BOB);
      assert.equal("esp-waiting", site.sends(BOB, B_OUT));
      return site;
    }

    it("it waits for one turn and not for every second one", () => {
      const site = takenAnswer();
      site.answers(A_IN + 1);
      site.pass(TOUT_MS);
      assert.equal("esp-established", site.sends(ALICE, A_OUT + 1));
      assert.equal("esp-bound", site.answers(B_IN));
      assert.same([BOB], site.receivers());
      site.answers(A_IN + 1);
      assert.same([ALICE], site.receivers());
    });

    it("it goes on waiting while nothing is heard on that one", () => {
      const site = takenAnswer();
      site.pass(TOUT_MS);
      assert.equal("esp-waiting", site.sends(ALICE, A_OUT + 1));
    });

    it("it goes on waiting while a new SPI may still come of what was negotiated", () => {
      const site = takenAnswer();
      site.ike.negotiates(ALICE);
      site.answers(A_IN + 1);
      site.pass(TOUT_MS);
      assert.equal("esp-waiting", site.sends(ALICE, A_OUT + 1));
    });

    it("it goes on waiting while the client sends on both", () => {
      const site = takenAnswer();
      site.pass(200);
      site.sends(ALICE, A_OUT);
      site.answers(A_IN + 1);
      site.pass(TOUT_MS);
      assert.equal("esp-waiting", site.sends(ALICE, A_OUT + 1));
    });
  });
});

describe("A server that speaks first on a new SPI", () => {
  it("is heard by the one client that just negotiated, whose first packet then pairs with that SPI", () => {
    const site = new EspSite();
    site.establish(BOB, B_OUT, B_IN);
    site.ike.negotiates(ALICE);
    assert.equal("esp-server-first", site.answers(A_IN));
    assert.same([ALICE], site.receivers());
    assert.equal("esp-established", site.answers(A_IN));
    assert.equal("esp-paired", site.sends(ALICE, A_OUT));
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
    assert.equal("esp-first", site.sends(BOB, B_OUT + 1), "nobody has the turn");
  });

  it("does not take the turn from anybody: another client's answer still finds its way", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE);
    site.answers(A_IN);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    site.answers(B_IN);
    assert.same([BOB], site.receivers());
    site.answers(A_IN);
    assert.same([ALICE], site.receivers());
  });

  it("is copied to all that just negotiated, and both go on", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    assert.equal("esp-shared", site.answers(A_IN));
    assert.same([ALICE, BOB], site.receivers());
    site.sends(ALICE, A_OUT);
    assert.equal("esp-shared", site.answers(A_IN));
    assert.same([ALICE, BOB], site.receivers());
  });

  it("before the client negotiates anew is no answer to that; without another one, it is by the end of the turn", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    site.answers(A_IN);
    site.pass(1000);
    site.ike.negotiates(ALICE);
    assert.equal("esp-first", site.sends(ALICE, A_OUT), "an unknown SPI may answer");
    site.answers(A_IN);
    site.pass(TOUT_MS);
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
    assert.equal("esp-first", site.sends(CAROL, C_OUT), "nobody has the turn");
  });

  it("before the client negotiates anew: what was held until they are paired leaves then", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    site.answers(A_IN);
    site.pass(1000);
    site.ike.negotiates(ALICE);
    site.sends(ALICE, A_OUT);
    site.answers(A_IN);
    site.sends(CAROL, C_OUT);
    site.pass(TOUT_MS - 50);
    site.released();
    for (const _ of $range(0, NOUT)) site.sends(ALICE, A_OUT);
    const key = site.holdKey();
    site.pass(100);
    assert.is_true(site.released().includes(key));
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
  });

  it("is dropped when no client speaks IKE with it, and that SPI is no answer later", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.speakers = [];
    assert.equal("esp-unknown-spi", site.answers(B_IN));
    site.sends(ALICE, A_OUT + 1);
    assert.not_equal("esp-bound", site.answers(B_IN));
    site.ike.negotiates(BOB);
    assert.equal("esp-first", site.sends(ALICE, A_OUT + 2));
  });

  it("its guessed SPIs are forgotten after a minute of silence when their client never sent", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE);
    site.answers(A_IN);
    site.pass(50000);
    assert.equal(1, site.tracker.count());
    site.pass(20000);
    assert.equal(0, site.tracker.count());
  });

  it("opens no more SPIs than the limit, however many packets come", () => {
    const site = new EspSite({ espServerFirstPerServerMax: 5 });
    site.ike.negotiates(ALICE);
    for (const spi of $range(1, 50)) {
      site.ike.recent = [ALICE];
      site.answers(A_IN + spi);
    }
    assert.equal(5, site.tracker.count());
    assert.equal("esp-table-full", site.answers(B_IN));
  });

  it("leaves no trace of the clients that one SPI has no room for", () => {
    const site = new EspSite({ multicastClientsMax: 16 });
    for (const client of $range(0, 15)) site.ike.negotiates(ALICE + client);
    site.answers(A_IN);
    assert.is_true(site.receivers().length >= 8, `only ${site.receivers().length} copies`);
    assert.equal(site.receivers().length, site.tracker.count());
    assert.equal("esp-first", site.sends(ALICE, A_OUT));
  });
});

describe("Packets nobody asked for", () => {
  it("on unknown SPIs are looked at so many times a second only, for each server by itself", () => {
    const site = new EspSite({ unknownSpiPerSecondMax: 10 });
    site.establish(ALICE, A_OUT, A_IN);
    site.establish(BOB, B_OUT, B_IN, OTHER_SERVER);
    site.ike.speakers = [];
    site.pass(1000);
    for (const spi of $range(1, 10)) assert.equal("esp-unknown-spi", site.answers(0xdead0000 + spi));
    assert.equal("esp-unknown-rate", site.answers(0xdead1000));
    assert.equal("esp-established", site.answers(A_IN));
    assert.equal("esp-unknown-spi", site.answers(0xdead1000, OTHER_SERVER));
    site.pass(1000);
    assert.equal("esp-unknown-spi", site.answers(0xdead1001));
  });

  it("from addresses that are nobody's server leave nothing behind", () => {
    const site = new EspSite();
    for (const step of $range(1, 5000)) {
      assert.equal("esp-unknown-rate", site.answers(0xdead0000, OTHER_SERVER + step));
    }
    assert.equal(0, site.tracker.count());
    assert.equal(0, serverCount(site));
  });

  it("make us remember a bounded number of servers even just after a start, and not for long", () => {
    const site = new EspSite();
    site.tracker.startRelearning(site.nowMs);
    for (const step of $range(1, 5000)) site.answers(0xdead0000, OTHER_SERVER + step);
    assert.equal(256, serverCount(site));
    site.pass(31000);
    assert.equal(0, serverCount(site));
  });

  it("with a server's spoofed source take an answer's place, and the true answer is still delivered", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE);
    site.sends(ALICE, A_OUT);
    site.answers(0xdeadbeef);
    assert.equal("esp-server-first", site.answers(A_IN));
    assert.same([ALICE], site.receivers());
  });
});

describe("Limits", () => {
  it("an SPI has no more owners than may get copies, however many there could be", () => {
    const site = new EspSite({ multicastClientsMax: 2 });
    site.ike.negotiates(ALICE, BOB, CAROL);
    assert.equal("esp-shared", site.answers(A_IN));
    assert.equal(2, site.receivers().length);
    assert.equal(2, site.tracker.count());
  });

  it("one client has its share of items and no more; others are not touched by it", () => {
    const site = new EspSite();
    for (const spi of $range(1, 64)) assert.equal("esp-first", site.sends(ALICE, A_OUT + spi));
    assert.equal("esp-client-limit", site.sends(ALICE, A_OUT));
    assert.equal("esp-waiting", site.sends(BOB, B_OUT));
    site.pass(TOUT_MS);
    assert.equal("esp-outstanding", site.sends(BOB, B_OUT));
  });

  it("a client that rekeys all day gives up its oldest epochs for its newest, not those in use", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    for (const epoch of $range(1, 200)) {
      site.pass(5000);
      assert.equal("esp-established", site.sends(ALICE, A_OUT));
      site.establish(ALICE, A_OUT + epoch, A_IN + epoch);
    }
    assert.equal(64, site.tracker.count());
  });

  it("a full table takes from those above an equal share and gives to those below", () => {
    const site = new EspSite({ espItemsMax: 8, espItemsPerClientMax: 6 });
    for (const spi of $range(0, 5)) site.sends(ALICE, A_OUT + spi);
    for (const spi of $range(0, 1)) site.sends(BOB, B_OUT + spi, OTHER_SERVER);
    assert.equal(8, site.tracker.count());
    assert.equal("esp-waiting", site.sends(CAROL, C_OUT));
    assert.equal("esp-waiting", site.sends(CAROL, C_OUT + 1));
    assert.equal(8, site.tracker.count());
    assert.equal("esp-table-full", site.sends(ALICE, A_OUT + 9));
    assert.equal("esp-outstanding", site.sends(BOB, B_OUT, OTHER_SERVER), "who has less than a share keeps it");
    assert.equal("esp-outstanding", site.sends(BOB, B_OUT + 1, OTHER_SERVER));
  });

  it("a newcomer gets a place in a table that equal shares have filled", () => {
    const site = new EspSite({ espItemsMax: 8, espItemsPerClientMax: 4 });
    for (const spi of $range(0, 3)) site.sends(ALICE, A_OUT + spi);
    for (const spi of $range(0, 3)) site.sends(BOB, B_OUT + spi, OTHER_SERVER);
    assert.equal("esp-waiting", site.sends(CAROL, C_OUT));
  });

  it("the longest idle item gives way", () => {
    const site = new EspSite({ espItemsMax: 4, espItemsPerClientMax: 4 });
    for (const epoch of $range(0, 3)) {
      site.establish(ALICE, A_OUT + epoch, A_IN + epoch);
      site.pass(1000);
    }
    site.sends(ALICE, A_OUT);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
    assert.not_equal("esp-established", site.sends(ALICE, A_OUT + 1));
  });

  it("an item that waits is not taken, so that nothing held is given up under a newcomer's number", () => {
    const site = new EspSite({ espItemsMax: 4, espItemsPerClientMax: 4 });
    site.sends(BOB, B_OUT);
    for (const spi of $range(0, 2)) site.sends(ALICE, A_OUT + spi);
    site.sends(CAROL, C_OUT);
    assert.same([], site.releases.discarded);
  });

  it("addresses of all zeros and all ones leave nothing behind for ever", () => {
    const site = new EspSite();
    for (const server of [0, -1]) {
      for (const client of [ALICE, BOB]) site.sends(client, A_OUT, server);
      site.answers(A_IN, server);
    }
    site.pass(2 * TEI_MS);
    assert.equal(0, site.tracker.count());
  });
});

describe("A collision: two clients choose one incoming SPI", () => {
  it("shows at once when the second one waits for its first answer; then both get copies", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.numbered(A_IN, 5000);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    assert.equal("esp-collision", site.numbered(A_IN, 1));
    assert.same([ALICE, BOB], site.receivers());
    assert.equal("esp-collision", site.numbered(A_IN, 5001));
    assert.same([ALICE, BOB], site.receivers());
    assert.equal("esp-established", site.sends(BOB, B_OUT));
  });

  it("shows by numbers that go on in two series, when order did not tell", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.speakers = [ALICE, BOB];
    const reasons = [site.numbered(A_IN, 900), site.numbered(A_IN, 10)];
    for (const step of $range(1, 3)) reasons.push(site.numbered(A_IN, 900 + step), site.numbered(A_IN, 10 + step));
    assert.is_true(reasons.includes("esp-collision"));
    assert.same([ALICE, BOB], site.receivers());
  });

  it("shows for two series that are close to each other", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.speakers = [ALICE, BOB];
    for (const step of $range(1, 300)) {
      site.numbered(A_IN, 20 + step);
      site.numbered(A_IN, step);
    }
    assert.equal("esp-collision", site.verdict.reason);
  });

  it("may show by one old number while another client waits: that packet goes to both, without more ado", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    assert.equal("esp-suspect", site.numbered(A_IN, 1));
    assert.same([ALICE, BOB], site.receivers());
    site.answers(B_IN);
    assert.same([BOB], site.receivers());
    assert.equal("esp-established", site.answers(A_IN));
    assert.same([ALICE], site.receivers());
  });

  it("suspects nobody when copies are not allowed", () => {
    const site = new EspSite({ multicastClientsMax: 1 });
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    assert.equal("esp-established", site.numbered(A_IN, 1));
  });

  it("of a silent epoch with few packets is found when the second one's turn ends unanswered", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    site.pass(1000);
    site.numbered(A_IN, 1);
    site.sends(BOB, B_OUT);
    site.pass(TOUT_MS);
    assert.equal("esp-shared", site.numbered(A_IN, 2));
    assert.same([ALICE, BOB], site.receivers());
    assert.equal("esp-established", site.sends(BOB, B_OUT));
  });

  it("ends when one of the two is forgotten", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.numbered(A_IN, 5000);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    site.numbered(A_IN, 1);
    const bobs: number[] = [];
    site.tracker.forEach((record) => {
      if (site.tracker.ownerOfOutSpi(SERVER, B_OUT) === BOB && record !== 0) bobs.push(record);
    });
    site.tracker.forget(bobs[0]);
    site.numbered(A_IN, 5002);
    assert.same([ALICE], site.receivers());
    assert.equal("esp-established", site.numbered(A_IN, 5003));
  });

  it("is not suspected for loss, duplicates and reordering of a bad network", () => {
    for (const seed of [1, 2, 3]) {
      const random = new Random(seed);
      const site = new EspSite();
      site.establish(ALICE, A_OUT, A_IN);
      site.ike.speakers = [ALICE, BOB];
      for (const step of $range(2, 2000)) {
        const fate = random.below(100);
        const late = fate < 10 ? Math.max(1, step - random.below(30)) : step;
        if (fate >= 95) site.tracker.inbound(SERVER, A_IN, step, 100, site.nowMs, site.verdict);
        if (fate >= 5) site.tracker.inbound(SERVER, A_IN, late, 100, site.nowMs, site.verdict);
        assert.same([ALICE], site.receivers(), `seed ${seed}, packet ${step}`);
      }
    }
  });

  it("is not suspected when one packet overtakes a whole replay window of others", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.ike.speakers = [ALICE, BOB];
    site.numbered(A_IN, 100);
    site.numbered(A_IN, 164);
    for (const step of $range(101, 163)) site.numbered(A_IN, step);
    assert.same([ALICE], site.receivers());
  });

  it("with itself is none: a client that chooses an old SPI again gets its packets and keeps nobody waiting", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.numbered(A_IN, 5000);
    site.ike.negotiates(ALICE, BOB);
    site.sends(ALICE, A_OUT + 1);
    site.sends(BOB, B_OUT);
    assert.equal("esp-bound", site.numbered(A_IN, 1));
    assert.same([ALICE], site.receivers());
    assert.equal(1, site.released().length);
    assert.equal("esp-established", site.sends(ALICE, A_OUT + 1));
    assert.equal("esp-established", site.numbered(A_IN, 2));
  });
});

/** More than twice limits.multicastClientsMax. */
const CROWD = 20;
const ANSWER_MS = 100;

describe("After a start with a snapshot", () => {
  /** Alice's first packet is on its way when the router starts again; then Bob begins. */
  function startedAgain(): EspSite {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    site.tracker.startAgain(site.nowMs);
    assert.equal("esp-first", site.sends(BOB, B_OUT));
    return site;
  }

  it("an answer to a turn from before, of which nothing is known, crosses nobody", () => {
    const site = startedAgain();
    assert.equal("esp-shared", site.answers(A_IN));
    assert.same([ALICE, BOB], site.receivers());
    assert.equal("esp-first", site.sends(ALICE, A_OUT));
    assert.equal("esp-shared", site.answers(B_IN));
    assert.same([ALICE, BOB], site.receivers());
  });

  it("a turn is answered as ever when nobody else has negotiated, and once turns from before are over", () => {
    const alone = new EspSite();
    alone.tracker.startAgain(alone.nowMs);
    alone.establish(BOB, B_OUT, B_IN);
    const site = startedAgain();
    site.pass(TOUT_MS);
    site.sends(BOB, B_OUT);
    assert.equal("esp-bound", site.answers(B_IN));
  });

  it("an owner of a shared SPI who found no room in the table gets copies again after a turn", () => {
    const site = new EspSite();
    for (const client of [ALICE, BOB]) site.tracker.restore(client, SERVER, 0, A_IN, 0, site.nowMs);
    assert.equal("esp-first", site.sends(CAROL, C_OUT));
    site.answers(A_IN);
    assert.same([ALICE, BOB], site.receivers());
    site.pass(TOUT_MS);
    site.sends(CAROL, C_OUT);
    site.answers(A_IN);
    assert.same([ALICE, BOB, CAROL], site.receivers());
  });
});

describe("After a start without memory", () => {
  function started(): EspSite {
    const site = new EspSite();
    site.tracker.startRelearning(site.nowMs);
    return site;
  }

  it("clients' packets wait a moment while we learn which SPIs servers use", () => {
    const site = started();
    assert.equal("esp-relearning", site.sends(ALICE, A_OUT));
    site.pass(200);
    assert.same([], site.released());
    site.pass(200);
    assert.equal(1, site.released().length);
    assert.equal("esp-outstanding", site.sends(ALICE, A_OUT));
  });

  it("a client that we saw negotiate does not wait", () => {
    const site = started();
    site.ike.negotiates(ALICE);
    assert.equal("esp-first", site.sends(ALICE, A_OUT));
  });

  it("an answer that was under way to an epoch unseen, and came in another client's turn, parts neither from its own", () => {
    const site = started();
    site.ike.negotiates(BOB);
    assert.equal("esp-first", site.sends(BOB, B_OUT));
    assert.equal("esp-bound", site.answers(A_IN));
    assert.same([BOB], site.receivers());
    site.sends(ALICE, A_OUT);
    site.pass(400);
    site.sends(ALICE, A_OUT);
    site.answers(B_IN);
    assert.is_true(site.receivers().includes(BOB));
    site.answers(A_IN);
    assert.is_true(site.receivers().includes(ALICE));
  });

  const everyone = (visit: (client: number, number: number) => void): void => {
    for (const number of $range(1, CROWD)) visit(ALICE + number, number);
  };

  /** All of a crowd have sent, and one of them has the turn. */
  function crowded(): EspSite {
    const site = started();
    everyone((client, number) => {
      site.sends(client, A_OUT + number);
      site.hasUsed(A_IN + number);
    });
    site.pass(400);
    return site;
  }

  function turnOf(site: EspSite): number {
    return site.tracker.servers.get(SERVER)!.turnClient;
  }

  /** Lets the time pass in which a second SPI would show that the last turn was misled. */
  function settle(site: EspSite): void {
    const server = site.tracker.servers.get(SERVER)!;
    while (!server.hasTurn() && server.waiting.length > 0) site.pass(ANSWER_MS);
  }

  /** The one whose turn it is sends, and hears its answer. */
  function takesTurn(site: EspSite): void {
    const client = turnOf(site);
    site.sends(client, A_OUT + client - ALICE);
    site.pass(ANSWER_MS);
    assert.equal("esp-bound", site.answers(A_IN + client - ALICE));
    assert.same([client], site.receivers());
    settle(site);
  }

  it("more clients than copies could help are told apart by their turns, and each hears its own again", () => {
    const site = crowded();
    for (const _ of $range(1, CROWD)) takesTurn(site);
    everyone((client, number) => {
      assert.equal("esp-established", site.answers(A_IN + number));
      assert.same([client], site.receivers());
    });
  });

  it("of such a crowd, one whose turn ends without an answer is for the watch for lost tunnels until it gets one", () => {
    const site = crowded();
    const server = site.tracker.servers.get(SERVER)!;
    const unlucky = turnOf(site);
    site.pass(TOUT_MS);
    assert.is_true(turnOf(site) !== unlucky && server.leftOut.has(unlucky));
    while (server.hasTurn() && turnOf(site) !== unlucky) takesTurn(site);
    site.sends(unlucky, A_OUT + unlucky - ALICE);
    settle(site);
    takesTurn(site);
    assert.is_false(server.leftOut.has(unlucky));
  });

  it("in such a crowd a foreign SPI in one turn costs that turn and puts no other client's answer in the wrong place", () => {
    const site = crowded();
    takesTurn(site);
    const misled = turnOf(site);
    site.pass(ANSWER_MS / 2);
    assert.equal("esp-bound", site.answers(B_IN));
    assert.equal("esp-unknown-spi", site.answers(A_IN + misled - ALICE));
    settle(site);
    site.sends(misled, A_OUT + misled - ALICE);
    for (const _ of $range(2, CROWD)) takesTurn(site);
    everyone((client, number) => {
      site.answers(A_IN + number);
      assert.same([client], site.receivers());
    });
  });

  it("in such a crowd's turn, the first packet to another who renews is no answer, and the true one is", () => {
    const site = crowded();
    takesTurn(site);
    const unlucky = turnOf(site);
    site.ike.negotiates(ALICE + CROWD + 1);
    assert.equal("esp-unknown-spi", site.answers(B_IN));
    assert.equal("esp-bound", site.answers(A_IN + unlucky - ALICE));
    assert.same([unlucky], site.receivers());
  });

  it("in such a crowd's turn, an epoch on which its server has hardly sent is answered by its second packet", () => {
    const site = crowded();
    const quiet = turnOf(site);
    site.ike.negotiates(ALICE + CROWD + 1);
    assert.equal("esp-unknown-spi", site.answers(B_IN));
    assert.equal("esp-bound", site.answers(B_IN));
    assert.same([quiet], site.receivers());
  });

  it("one of such a crowd that renewed while it waited is answered on its new epoch, and takes one turn", () => {
    const site = crowded();
    takesTurn(site);
    const waiting = site.tracker.servers.get(SERVER)!.waiting[0];
    const renewing = site.tracker.records.words[waiting * ESP_RECORD_WORDS + EspField.Client];
    site.ike.negotiates(renewing);
    assert.equal("esp-waiting", site.sends(renewing, C_OUT));
    takesTurn(site);
    assert.equal(renewing, turnOf(site));
    site.pass(ANSWER_MS);
    assert.equal("esp-bound", site.answers(C_IN));
    assert.same([renewing], site.receivers());
    assert.equal("esp-established", site.sends(renewing, C_OUT));
    settle(site);
    assert.is_true(turnOf(site) !== renewing);
  });

  it("a crowd that its server talks to of its own accord gets copies, because turns would tell nothing", () => {
    const site = started();
    everyone((client, number) => {
      site.sends(client, A_OUT + number);
      site.answers(A_IN + number);
    });
    site.answers(A_IN + 1);
    assert.is_true(site.receivers().length > 1);
  });

  it("one tunnel with traffic both ways goes on without a packet lost but those that came first", () => {
    const site = started();
    site.answers(A_IN);
    site.sends(ALICE, A_OUT);
    site.answers(A_IN);
    assert.same([ALICE], site.receivers());
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
  });

  const packets: (["in", number] | ["out", number, number])[] = [
    ["in", A_IN],
    ["in", B_IN],
    ["out", ALICE, A_OUT],
    ["out", BOB, B_OUT],
  ];
  for (const seed of $range(1, 40)) {
    it(`two tunnels with traffic both ways both work again, in any order of packets (${seed})`, () => {
      const random = new Random(seed * 7919);
      const site = started();
      site.pass(random.below(2) * 400);
      for (const _ of $range(1, 40)) {
        const packet = packets[random.below(4)];
        if (packet[0] === "in") site.answers(packet[1]);
        else site.sends(packet[1], packet[2]);
        site.pass(random.below(3) * 100);
      }
      site.pass(TOUT_MS + 500);
      site.sends(ALICE, A_OUT);
      site.sends(BOB, B_OUT);
      site.pass(TOUT_MS + 500);
      for (const [client, spi] of [
        [ALICE, A_IN],
        [BOB, B_IN],
      ]) {
        site.answers(spi);
        assert.is_true(site.receivers().includes(client), site.verdict.reason);
      }
      assert.equal("esp-established", site.sends(ALICE, A_OUT));
      assert.equal("esp-established", site.sends(BOB, B_OUT));
    });
  }

  it("a tunnel that was silent meanwhile is found too: unanswered, it is offered the SPIs that were guessed", () => {
    const site = started();
    site.pass(400);
    site.sends(ALICE, A_OUT);
    site.answers(B_IN);
    assert.same([ALICE], site.receivers());
    site.pass(60000);
    site.sends(BOB, B_OUT);
    site.answers(B_IN);
    assert.same([ALICE, BOB], site.receivers());
    site.answers(A_IN);
    assert.same([ALICE, BOB], site.receivers());
  });

  it("epochs that were negotiated since are told apart by order again once the doubt is over", () => {
    const site = started();
    site.sends(ALICE, A_OUT);
    site.answers(A_IN);
    site.pass(301000);
    site.establish(BOB, B_OUT, B_IN);
    site.establish(ALICE, A_OUT + 1, A_IN + 1);
    site.answers(B_IN);
    assert.same([BOB], site.receivers());
  });
});

describe("A restored item", () => {
  it("carries packets at once in both directions, and traffic confirms it", () => {
    const site = new EspSite();
    assert.is_true(site.tracker.restore(ALICE, SERVER, A_OUT, A_IN, 700, site.nowMs));
    assert.equal("esp-established", site.sends(ALICE, A_OUT));
    assert.equal("esp-established", site.numbered(A_IN, 701));
    assert.same([ALICE], site.receivers());
  });

  it("is refused when it is there already, or beyond the client's or the table's limit", () => {
    const site = new EspSite({ espItemsMax: 2, espItemsPerClientMax: 1 });
    const restore = (client: number, outSpi: number, inSpi: number): boolean =>
      site.tracker.restore(client, SERVER, outSpi, inSpi, 0, site.nowMs);
    assert.is_true(restore(ALICE, A_OUT, A_IN));
    assert.is_false(restore(ALICE, A_OUT, A_IN));
    assert.is_false(restore(ALICE, A_OUT + 1, A_IN + 1), "one item a client");
    assert.is_true(restore(BOB, 0, B_IN));
    assert.is_false(restore(BOB, 0, B_IN));
    assert.is_false(restore(CAROL, C_OUT, C_IN), "two items in all");
    auditEsp(site.tracker, site.limits);
  });

  it("of a shared SPI is shared again", () => {
    const site = new EspSite();
    site.tracker.restore(ALICE, SERVER, A_OUT, A_IN, 5, site.nowMs);
    site.tracker.restore(BOB, SERVER, B_OUT, A_IN, 5, site.nowMs);
    site.numbered(A_IN, 6);
    assert.same([ALICE, BOB], site.receivers());
  });

  it("whose client had not sent yet pairs with its first packet", () => {
    const site = new EspSite();
    site.tracker.restore(ALICE, SERVER, 0, A_IN, 5, site.nowMs);
    assert.equal("esp-paired", site.sends(ALICE, A_OUT));
    assert.equal(Phase.Established, site.tracker.records.phase(0));
  });
});

// What the published mechanism cannot tell (draft-brustoloni-vma-00): see docs/theory.md.
describe("Race", () => {
  it("1, a server that uses a new epoch first with nothing outstanding, is no failure here", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.establish(BOB, B_OUT, B_IN);
    site.ike.negotiates(ALICE);
    site.answers(A_IN + 1);
    assert.same([ALICE], site.receivers());
  });

  it("2, another epoch's first packet before the answer, binds wrongly; both stay dead until they rekey", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    site.sends(ALICE, A_OUT);
    site.answers(B_IN);
    assert.same([ALICE], site.receivers(), "taken for Alice's answer");
    site.sends(BOB, B_OUT);
    site.answers(A_IN);
    assert.same([BOB], site.receivers(), "taken for Bob's answer");
    site.pass(30000);
    site.answers(A_IN);
    assert.same([BOB], site.receivers());
    site.establish(ALICE, A_OUT + 1, A_IN + 1);
    site.establish(BOB, B_OUT + 1, B_IN + 1);
  });

  it("2 while both renew under traffic is harmless: both get what comes on either new SPI", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.establish(BOB, B_OUT, B_IN);
    site.ike.negotiates(ALICE, BOB);
    site.sends(ALICE, A_OUT + 1);
    assert.equal("esp-shared", site.answers(B_IN + 1));
    assert.same([ALICE, BOB], site.receivers());
    assert.equal("esp-first", site.sends(BOB, B_OUT + 1));
    assert.equal("esp-shared", site.answers(A_IN + 1));
    assert.same([ALICE, BOB], site.receivers());
    for (const client of [ALICE, BOB]) site.ike.epochLearned(client);
    site.pass(1000);
    site.establish(ALICE, A_OUT + 2, A_IN + 2);
    site.establish(BOB, B_OUT + 2, B_IN + 2);
  });

  it("2 while three renew under traffic, or the other's older epoch is idle, is not worth copies", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.establish(BOB, B_OUT, B_IN);
    site.establish(CAROL, C_OUT, C_IN);
    site.ike.negotiates(ALICE, BOB, CAROL);
    site.sends(ALICE, A_OUT + 1);
    assert.equal("esp-bound", site.answers(A_IN + 1));
    site.pass(5000);
    site.answers(A_IN + 1);
    site.sends(BOB, B_OUT + 1);
    assert.equal("esp-bound", site.answers(B_IN + 1));
  });

  it("2 while a third one renews an idle epoch is not worth copies either: each answer goes to its turn", () => {
    const site = new EspSite();
    site.establish(CAROL, C_OUT, C_IN);
    site.pass(5000);
    site.establish(ALICE, A_OUT, A_IN);
    site.establish(BOB, B_OUT, B_IN);
    site.ike.negotiates(ALICE, BOB, CAROL);
    site.sends(ALICE, A_OUT + 1);
    assert.equal("esp-waiting", site.sends(CAROL, C_OUT + 1));
    assert.equal("esp-waiting", site.sends(BOB, B_OUT + 1));
    site.answers(A_IN + 1);
    assert.same([ALICE], site.receivers());
    site.answers(C_IN + 1);
    assert.same([BOB, CAROL], site.receivers(), "only these two are left");
    site.answers(B_IN + 1);
    assert.same([BOB, CAROL], site.receivers());
  });

  it("2 heals when the true answer comes before the other client sends: that SPI is new to both", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE, BOB);
    site.sends(ALICE, A_OUT);
    site.answers(B_IN);
    site.answers(A_IN);
    assert.same([BOB], site.receivers(), "who negotiated and was not answered");
    assert.equal("esp-paired", site.sends(BOB, B_OUT));
    site.establish(BOB, B_OUT + 1, B_IN + 1);
    site.establish(ALICE, A_OUT + 1, A_IN + 1);
  });

  it("3, an answer after Tout, is taken for the next client's; the first one is offered it when its turn ends", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE);
    site.sends(ALICE, A_OUT);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    site.pass(TOUT_MS);
    site.sends(BOB, B_OUT);
    site.answers(A_IN);
    assert.same([BOB], site.receivers(), "taken for Bob's answer");
    site.sends(ALICE, A_OUT);
    site.pass(1000);
    site.answers(A_IN);
    site.pass(TOUT_MS);
    site.answers(A_IN);
    assert.same([ALICE, BOB], site.receivers(), "offered to Alice, who was not answered");
    site.answers(B_IN);
    assert.is_true(site.receivers().includes(BOB), site.verdict.reason);
  });

  it("3 leaves both dead when the server uses the other epoch while the first client has its second turn", () => {
    const site = new EspSite();
    site.ike.negotiates(ALICE);
    site.sends(ALICE, A_OUT);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    site.pass(TOUT_MS);
    site.sends(BOB, B_OUT);
    site.answers(A_IN);
    site.sends(ALICE, A_OUT);
    site.answers(B_IN);
    assert.same([ALICE], site.receivers(), "taken for Alice's answer");
    site.pass(60000);
    site.answers(A_IN);
    assert.same([BOB], site.receivers());
  });

  it("4, an epoch idle for Tei that the server uses first, is taken for the answer of whoever has the turn", () => {
    const site = new EspSite();
    site.establish(ALICE, A_OUT, A_IN);
    site.pass(TEI_MS + 10000);
    site.ike.negotiates(BOB);
    site.sends(BOB, B_OUT);
    site.answers(A_IN);
    assert.same([BOB], site.receivers());
  });
});

describe("What a person reads of an item", () => {
  it("has a sentence for each way of learning", () => {
    for (const learned of $range(0, 5)) assert.matches("%a", LEARNED_TEXTS[learned as 0]);
  });
});
