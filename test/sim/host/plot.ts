// SPDX-License-Identifier: GPL-2.0-only
// A bar chart as SVG: groups of bars on a logarithmic scale, for values from hours to centuries.
//
// Plain text: a chart library would draw it in a browser, and this is a dozen rectangles.

export interface Bar {
  readonly group: string;
  readonly label: string;
  readonly value: number;
}

const WIDTH = 720;
const LABEL_WIDTH = 220;
const BAR_HEIGHT = 18;
const GROUP_GAP = 14;
const TOP = 44;
const BOTTOM = 30;
const FONT = "font-family='sans-serif' font-size='12'";
const COLOURS = ["#b3452c", "#d9a441", "#2c7a5b"];

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function decimal(value: number): string {
  return value >= 10 ? Math.round(value).toLocaleString("en-GB").replaceAll(",", " ") : value.toPrecision(2);
}

/** @param bars in the order in which they are drawn; those of one group follow one another */
export function plot(title: string, bars: readonly Bar[]): string {
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...bars.map(({ value }) => value), 10))));
  const scale = (WIDTH - LABEL_WIDTH - 90) / decades;
  const lengthOf = (value: number): number => Math.max(1, scale * Math.log10(Math.max(value, 1)));
  const shapes: string[] = [];
  let [y, group, colour] = [TOP, "", 0];
  for (const bar of bars) {
    if (bar.group !== group) {
      y += group === "" ? 0 : GROUP_GAP;
      [group, colour] = [bar.group, 0];
    }
    const length = lengthOf(bar.value).toFixed(1);
    const middle = y + BAR_HEIGHT - 5;
    const label = escape(`${bar.group}, ${bar.label}`);
    shapes.push(
      `<text x='${LABEL_WIDTH - 8}' y='${middle}' text-anchor='end' ${FONT}>${label}</text>`,
      `<rect x='${LABEL_WIDTH}' y='${y}' width='${length}' height='${BAR_HEIGHT - 3}' fill='${COLOURS[colour] ?? "#888"}'/>`,
      `<text x='${(LABEL_WIDTH + Number(length) + 6).toFixed(1)}' y='${middle}' ${FONT}>${decimal(bar.value)}</text>`,
    );
    colour = (colour + 1) % COLOURS.length;
    y += BAR_HEIGHT;
  }
  const grid = Array.from({ length: decades + 1 }, (_, decade) => {
    const x = (LABEL_WIDTH + decade * scale).toFixed(1);
    const line = `<line x1='${x}' y1='${TOP - 6}' x2='${x}' y2='${y + 4}' stroke='#ccc'/>`;
    return `${line}<text x='${x}' y='${y + 18}' text-anchor='middle' ${FONT}>${decimal(10 ** decade)}</text>`;
  });
  const height = y + BOTTOM;
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${WIDTH} ${height}' role='img'>`,
    `<title>${escape(title)}</title>`,
    `<rect width='${WIDTH}' height='${height}' fill='#fff'/>`,
    `<text x='16' y='24' font-family='sans-serif' font-size='15'>${escape(title)}</text>`,
    ...grid,
    ...shapes,
    "</svg>",
    "",
  ].join("\n");
}
