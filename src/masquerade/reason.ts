// SPDX-License-Identifier: GPL-2.0-only
// The name of every decision about a packet, with the sentence that explains it to a person.
//
// A name stands in verdicts, counters, `explain` and the documentation; it never changes its meaning.

import { WIRE_FAULTS, type WireFault } from "../wire/fault";

const DECISIONS = {
  "not-ours": "not a packet that vpnmasq handles; the kernel keeps it",

  "esp-established": "the SPI belongs to an established tunnel epoch",
  "esp-outstanding": "sent on an epoch whose answer has not come yet",
  "esp-first": "first packet of a new epoch; its answer will tell the incoming SPI",
  "esp-bound": "first answer of an epoch; its incoming SPI is now known",
  "esp-waiting": "held: another client's new epoch with this server is answered first",
  "esp-relearning": "held: after a start without memory we listen before we send",
  "esp-server-first": "the server opened this SPI; one client can own it and gets it",
  "esp-paired": "the client's first packet on an epoch that the server opened",
  "esp-shared": "copied: more than one client may own this incoming SPI",
  "esp-suspect": "copied: an old sequence number; it may answer the client that waits",
  "esp-collision": "copied: two clients chose the same incoming SPI",
  "esp-unknown-spi": "nobody is known to own this incoming SPI",
  "esp-unknown-rate": "too many packets with unknown SPIs from this server",
  "esp-outstanding-limit": "held: the epoch is unanswered, others wait, and it has sent enough",
  "esp-client-limit": "the client has its full share of ESP items",
  "esp-table-full": "the ESP table is full",
  "esp-waiting-limit": "too many clients wait for this server",

  "ike-established": "the cookies belong to an established IKE session",
  "ike-outstanding": "retransmission of the first message of an IKE session",
  "ike-first": "first message of an IKE session; the answer will tell the other cookie",
  "ike-bound": "first answer of an IKE session; both cookies are now known",
  "ike-unbound-answer": "an answer without a responder cookie (RFC 7296 §2.6)",
  "ike-waiting": "held: another client's session has the same initiator cookie",
  "ike-joined": "a session in mid-course: the client vouches for both cookies",
  "ike-moved": "the client of this session has a new address",
  "ike-server-first": "the server started this session; one client can own it",
  "ike-shared": "copied: more than one client may own this IKE session",
  "ike-not-owner": "the session belongs to another client that is alive",
  "ike-unknown-cookies": "nobody is known to own this IKE session",
  "ike-unknown-rate": "too many packets with unknown cookies from this server",
  "ike-stopped": "stopped, so that the client notices that its tunnel lost its way back",
  "ike-client-limit": "the client has its full share of IKE sessions",
  "ike-table-full": "the IKE table is full",

  "fragment-of-known": "later fragment of a datagram whose first fragment was decided",
  "fragment-waiting": "held until the first fragment of its datagram comes",
  "fragment-limit": "too many fragments wait for their first one",
  "fragment-foreign": "later fragment whose first one was not ours",
  "fragment-overlap": "a later fragment that would overwrite the first one (RFC 1858 §3)",
  "fragment-conflict": "a second first fragment of the same datagram, for somebody else",
  "fragment-tiny": "the first fragment is too short to tell whose it is",

  "icmp-error-translated": "an ICMP error about a packet of a known owner",
  "icmp-error-unknown": "an ICMP error about a packet of no known owner",
  "icmp-error-rate": "too many ICMP errors",

  "flow-known": "the packet belongs to a known session",
  "flow-new": "first packet of a session; it gets a port",
  "flow-accepted": "a peer that the client's mapping lets in",
  "flow-filtered": "the port is mapped, but the client never spoke to this peer",
  "flow-unknown": "no client has this port",
  "flow-hairpin": "one client to another's mapped port (RFC 4787 REQ-9)",
  "flow-client-limit": "the client has its full share of sessions",
  "flow-table-full": "the session table is full",
  "flow-no-port": "no port is free",
  "flow-not-opening": "a TCP segment of no known connection",

  "ttl-expired": "the packet's time to live ended here",
  "mtu-exceeded": "larger than the next link allows, and must not be fragmented",
  "hold-full": "the queue of held packets is full",
  "hold-expired": "a held packet's wait was not rewarded",
  "no-route": "the kernel has no route to the destination",
  "neighbour-unknown": "the next hop's hardware address was not found",
  "link-down": "the outgoing link is not there",
  "not-a-client": "the source is not an address of the LAN",
  "spoofed-source": "a packet from the WAN that claims a LAN address",
  "frame-too-large": "a joined frame (GRO) that the kernel could not hand over whole",
  "transmit-full": "the outgoing link takes no more packets",
} as const;

/** A decision's name, or why the bytes are no packet. */
export type Reason = keyof typeof DECISIONS | WireFault;

/** The sentence for each reason. */
export const REASONS: Record<Reason, string> = { ...DECISIONS, ...WIRE_FAULTS };
