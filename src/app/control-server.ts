// SPDX-License-Identifier: GPL-2.0-only
// The control socket: a request line in, a reply line out, as often as the other side likes.

import type { EventLoop } from "../system/event-loop";
import { fail, type Outcome, succeed } from "../system/outcome";
import { LineServer } from "../system/unix-socket";

/** A person, a metrics collector, a web page, and room for one that hangs. */
const CONNECTIONS_MAX = 8;
const REQUEST_BYTES_MAX = 4096;
/** A page of 1000 items has less than half of it; the client reads as much. */
export const REPLY_BYTES_MAX = 1024 * 1024;

export class ControlServer {
  private constructor(private readonly server: LineServer) {}

  /** Answers at `path` from now on. @param answer gives the reply to a line */
  static listen(
    this: void,
    loop: EventLoop,
    path: string,
    answer: (this: void, line: string) => string,
  ): Outcome<ControlServer> {
    const [server, problem] = LineServer.listen(loop, {
      path,
      connectionsMax: CONNECTIONS_MAX,
      lineBytesMax: REQUEST_BYTES_MAX,
      outputBytesMax: REPLY_BYTES_MAX,
      onLine: (connection, line) => {
        connection.send(`${answer(line)}\n`);
      },
    });
    if (server === undefined) return fail(problem);
    return succeed(new ControlServer(server));
  }

  close(): void {
    this.server.close();
  }
}
