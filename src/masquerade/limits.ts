// SPDX-License-Identifier: GPL-2.0-only
// Every limit and timer of the tables, with its unit and its reason, in one place.
//
// The defaults suit a home or branch router; the configuration may change each of them (see docs/configuration.md).
// Names: Tout, Nout and Tei are those of US patent 7,155,740 and draft-brustoloni-vma-00, which define VPN Masquerade.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export interface Limits {
  /** ESP items in all. 4096 epochs are ten times what a branch with 100 clients uses; they cost 250 KB. */
  espItemsMax: number;
  /** ESP items of one client: 64 leaves room for 20 servers with three epochs each and keeps a flood in its bounds. */
  espItemsPerClientMax: number;
  /**
   * Tout: how long an outstanding ESP item may make others wait. RFC 6298 §2.1: nobody who knows nothing of a way expects
   * an answer later than after a second. A client behind four dead ones has its turn within the time of a few pings.
   */
  espOutstandingMs: number;
  /** Nout: packets a client may still send at once on its outstanding item while others wait; more are held. */
  espOutstandingSendsMax: number;
  /** Tei: an established ESP item without traffic is forgotten. Hardin's patch used 15 min; memory allows more. */
  espIdleMs: number;
  /** A guessed owner of an incoming SPI that the owner never confirmed by sending is forgotten after this. */
  espUnconfirmedIdleMs: number;
  /** Records of incoming SPIs before their clients have sent: 32 SPIs with eight possible owners each, of one server. */
  espServerFirstPerServerMax: number;
  /** Clients that get a copy of a packet of uncertain owner. Hardin's patch used 5; the look-up holds 8 with one SPI. */
  multicastClientsMax: number;
  /** Packets a second from one server whose SPI nobody is known to own: more are not worth the work. */
  unknownSpiPerSecondMax: number;
  /** After a start without a snapshot, how long outgoing ESP waits while we learn which SPIs servers already use. */
  relearnMs: number;
  /** Clients waiting for their turn at one server. */
  waitingPerServerMax: number;

  /** IKE sessions in all. */
  ikeItemsMax: number;
  /** IKE sessions of one client: a daemon that restarts leaves a few behind. */
  ikeItemsPerClientMax: number;
  /** An IKE session without an answer is forgotten: RFC 7296 §2.4 calls for minutes; daemons retry within one. */
  ikeOutstandingMs: number;
  /** A client whose IKE session waits behind an equal initiator cookie is given up after this. */
  ikeWaitingMs: number;
  /** IKE SAs live up to a day (Cisco's default, the longest in use) and may be silent all that time. */
  ikeIdleMs: number;
  /** A packet on an IKE session from another client moves it, when its owner was silent this long (address change). */
  ikeMoveQuietMs: number;
  /** Clients that negotiated a child SA this recently are the likely owners of a server's new SPI. */
  negotiationMs: number;
  /** Clients that spoke IKE with a server this recently are possible owners. Dead peer detection is ≤ 5 min apart. */
  ikeRecentMs: number;

  /** Fragmented datagrams under way at once. */
  fragmentDatagramsMax: number;
  /** RFC 791 says 15 s to reassemble; Linux waits 30 s. We only pass fragments on and need less. */
  fragmentMs: number;
  /** Fragments held until the first one of their datagram has come: 64 KB at 1500 bytes are 45. */
  fragmentsHeldPerDatagramMax: number;

  /** ICMP errors a second that are translated: enough for path MTU discovery, too few for a reflection attack. */
  icmpErrorsPerSecondMax: number;

  /** Sessions (TCP and UDP, each) in `scope all`: 75 bytes each, taken at the start. */
  flowsMax: number;
  /** Sessions of one client, of each protocol: a quarter, so that four clients must conspire to fill the table. */
  flowsPerClientMax: number;
  /** ICMP queries under way in `scope all`: each lives a minute, so these are 34 new pings a second. */
  icmpQueriesMax: number;
  /** ICMP queries of one client: a quarter, as for the others. */
  icmpQueriesPerClientMax: number;
  /** RFC 4787 REQ-5: not under 2 min, 5 min recommended. */
  udpIdleMs: number;
  /** RFC 5382 REQ-5: not under 2 h 4 min. */
  tcpEstablishedIdleMs: number;
  /** RFC 5382 REQ-5: not under 4 min. */
  tcpTransitoryIdleMs: number;
  /** RFC 5508 REQ-2: not under 60 s. */
  icmpQueryIdleMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  espItemsMax: 4096,
  espItemsPerClientMax: 64,
  espOutstandingMs: 1 * SECOND,
  espOutstandingSendsMax: 4,
  espIdleMs: 1 * HOUR,
  espUnconfirmedIdleMs: 1 * MINUTE,
  espServerFirstPerServerMax: 256,
  multicastClientsMax: 8,
  unknownSpiPerSecondMax: 200,
  relearnMs: 300,
  waitingPerServerMax: 256,

  ikeItemsMax: 1024,
  ikeItemsPerClientMax: 32,
  ikeOutstandingMs: 2 * MINUTE,
  ikeWaitingMs: 30 * SECOND,
  ikeIdleMs: 24 * HOUR,
  ikeMoveQuietMs: 30 * SECOND,
  negotiationMs: 10 * SECOND,
  ikeRecentMs: 10 * MINUTE,

  fragmentDatagramsMax: 256,
  fragmentMs: 10 * SECOND,
  fragmentsHeldPerDatagramMax: 45,

  icmpErrorsPerSecondMax: 100,

  flowsMax: 16384,
  flowsPerClientMax: 4096,
  icmpQueriesMax: 2048,
  icmpQueriesPerClientMax: 512,
  udpIdleMs: 5 * MINUTE,
  tcpEstablishedIdleMs: 2 * HOUR + 4 * MINUTE,
  tcpTransitoryIdleMs: 4 * MINUTE,
  icmpQueryIdleMs: 1 * MINUTE,
};
