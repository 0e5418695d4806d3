// SPDX-License-Identifier: GPL-2.0-only
// What a transfer shows of itself, on a terminal and in a log.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { MEGABYTES, type ProgressOutput, progressText, startProgress } from "../../src/host/progress.js";

/** A stream that keeps what is written, and a clock that is set by hand. */
function output(isTTY: boolean): ProgressOutput & { clockMs: number; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, clearLine: () => true, cursorTo: () => true });
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const made = {
    stream: stream as unknown as NodeJS.WriteStream,
    clockMs: 1000,
    nowMs: (): number => made.clockMs,
    text: () => text,
  };
  return made;
}

describe("progress", () => {
  it("tells bytes, rate and the time left", () => {
    assert.equal(progressText(5e6, 20e6, MEGABYTES, 2000), "5.0 of 20.0 MB, 2.5 MB/s, 0:06 left");
    assert.equal(progressText(1e6, 181e6, MEGABYTES, 1000), "1.0 of 181.0 MB, 1.0 MB/s, 3:00 left");
    assert.equal(progressText(0, 20e6, MEGABYTES, 0), "0.0 of 20.0 MB");
  });

  it("is one line of a terminal, of at most 80 columns, with a bar and a percentage", () => {
    const place = output(true);
    const progress = startProgress(9999.9e6, MEGABYTES, place);
    place.clockMs += 60_000;
    progress.show(4000e6);
    progress.end();
    const drawn = place.text().replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
    assert.doesNotMatch(drawn, /\n/);
    const line = "    [######..........] 40 %  4000.0 of 9999.9 MB, 66.7 MB/s, 1:30 left";
    assert.ok(drawn.includes(line), drawn);
    assert.ok(line.length <= 80);
  });

  it("is a line every five seconds of a log", () => {
    const place = output(false);
    const progress = startProgress(20e6, MEGABYTES, place);
    for (const done of [2e6, 4e6, 6e6]) {
      place.clockMs += 3000;
      progress.show(done);
    }
    progress.end();
    assert.equal(place.text(), "    4.0 of 20.0 MB, 0.7 MB/s, 0:24 left\n");
  });
});
