// SPDX-License-Identifier: GPL-2.0-only
// A small line chart of the last minutes. The page collects the samples while it is open, so the router keeps none.
'use strict';
'require baseclass';
'require dom';

const WIDTH = 600;
const HEIGHT = 120;
/* A poll every 3 s: three minutes. */
const SAMPLES_MAX = 60;
/* Lines differ by dashes too, for those who do not tell the colours apart; further lines begin anew. */
const DASHES = ['', '6 3', '2 3', '8 3 2 3'];

function svg(name, attributes, children) {
	const node = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
	for (const child of children || []) node.appendChild(child);
	return node;
}

/* The points of a line; a gap where a sample is missing begins a new piece. */
function path(values, most) {
	let isDown = false;
	return values
		.map((value, at) => {
			if (value == null) {
				isDown = false;
				return '';
			}
			const x = WIDTH - (values.length - 1 - at) * (WIDTH / (SAMPLES_MAX - 1));
			const step = '%s%.1f %.1f'.format(isDown ? 'L' : 'M', x, HEIGHT - 2 - (value / most) * (HEIGHT - 4));
			isDown = true;
			return step;
		})
		.join('');
}

const Chart = baseclass.extend({
	/* @param format makes text of a value */
	__init__: function (title, format) {
		this.title = title;
		this.format = format;
		this.lines = new Map();
		this.node = E('figure', { class: 'vpnmasq-chart' });
	},

	/* One more sample of each line, by its name; a line that is not there any more ends. */
	add: function (sample) {
		for (const name of Object.keys(sample)) if (!this.lines.has(name)) this.lines.set(name, []);
		for (const [name, values] of this.lines) {
			values.push(name in sample ? sample[name] : null);
			if (values.length > SAMPLES_MAX) values.shift();
			if (values.every((value) => value == null)) this.lines.delete(name);
		}
		this.draw();
	},

	draw: function () {
		const most = Math.max(1e-9, ...[...this.lines.values()].flat().filter((value) => value != null));
		const names = [...this.lines.keys()];
		const look = (at) => ({
			class: 'vpnmasq-line vpnmasq-line-%d'.format(at % DASHES.length),
			'stroke-dasharray': DASHES[at % DASHES.length],
		});
		const lines = names.map((name, at) => svg('path', { d: path(this.lines.get(name), most), ...look(at) }));
		const present = names.map((name) => {
			const value = this.lines.get(name).at(-1);
			return '%s: %s'.format(name, value == null ? _('unknown') : this.format(value));
		});
		const label = '%s. %s'.format(this.title, present.join(', '));
		const legend = names.map((name, at) =>
			E('li', {}, [
				svg('svg', { width: 28, height: 8, 'aria-hidden': 'true' }, [svg('path', { d: 'M0 4L28 4', ...look(at) })]),
				' ',
				present[at],
			]),
		);
		dom.content(this.node, [
			E('figcaption', {}, [
				this.title,
				E('span', { class: 'vpnmasq-scale' }, [_('highest: %s').format(this.format(most))]),
			]),
			svg(
				'svg',
				{ viewBox: '0 0 %d %d'.format(WIDTH, HEIGHT), preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
				[svg('path', { class: 'vpnmasq-axis', d: 'M0 %d L%d %d'.format(HEIGHT - 1, WIDTH, HEIGHT - 1) }), ...lines],
			),
			E('ul', {}, legend),
		]);
	},
});

return baseclass.extend({ Chart });
