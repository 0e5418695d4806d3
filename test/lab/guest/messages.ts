// SPDX-License-Identifier: GPL-2.0-only
// Single packets of data through a client's tunnel, sent exactly when an experiment wants them, with nothing that
// answers: so their order at the router is the experiment's.

import { AF_INET, C, ffi, inetAddress, type Memory, mustSucceed, SOCK_DGRAM_NONBLOCK } from "./libc";
import { inNamespace } from "./namespace";
import { type Client, SERVER, SERVER_INNER_ADDRESS } from "./topology";

const BASE_PORT = 7500;
const PAYLOAD_BYTES = 64;
const INET_ADDRESS_BYTES = 16;

const payload = ffi.new(`uint8_t[${PAYLOAD_BYTES}]`) as Memory<number>;

function openSocket(namespace: string, address: string, port: number): number {
  return inNamespace(namespace, () => {
    const fd = mustSucceed(C.socket(AF_INET, SOCK_DGRAM_NONBLOCK, 0), "UDP socket");
    mustSucceed(C.bind(fd, inetAddress(address, port), INET_ADDRESS_BYTES), `bind ${address}:${port} in ${namespace}`);
    return fd;
  });
}

function countArrived(fd: number): number {
  let count = 0;
  while (tonumber(C.recvfrom(fd, payload, PAYLOAD_BYTES, 0, undefined, undefined))! >= 0) count += 1;
  return count;
}

/** A client's conversation with the server. */
export class Messages {
  /** Those that have arrived when {@link listen} was called last. */
  heardByClient = 0;
  heardByServer = 0;
  private readonly clientFd: number;
  private readonly serverFd: number;
  private readonly port: number;

  constructor(private readonly client: Client) {
    this.port = BASE_PORT + client.number;
    this.clientFd = openSocket(client.name, client.innerAddress, this.port);
    this.serverFd = openSocket(SERVER, SERVER_INNER_ADDRESS, this.port);
  }

  fromClient(): void {
    const to = inetAddress(SERVER_INNER_ADDRESS, this.port);
    C.sendto(this.clientFd, payload, PAYLOAD_BYTES, 0, to, INET_ADDRESS_BYTES);
  }

  fromServer(): void {
    const to = inetAddress(this.client.innerAddress, this.port);
    C.sendto(this.serverFd, payload, PAYLOAD_BYTES, 0, to, INET_ADDRESS_BYTES);
  }

  listen(): void {
    this.heardByClient += countArrived(this.clientFd);
    this.heardByServer += countArrived(this.serverFd);
  }

  close(): void {
    C.close(this.clientFd);
    C.close(this.serverFd);
  }
}
