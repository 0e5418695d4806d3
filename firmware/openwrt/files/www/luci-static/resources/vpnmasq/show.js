// SPDX-License-Identifier: GPL-2.0-only
// How times, amounts, states and lists look on every page.
'use strict';
'require baseclass';

/* By what a state means for whoever looks: all is well, wait, or do something. */
const CLASSES = { good: 'vpnmasq-good', wait: 'vpnmasq-wait', bad: 'vpnmasq-bad' };
const SIGNS = { good: '✓', wait: '…', bad: '!' };

return baseclass.extend({
	/* The style sheet of all pages; call it once a page. */
	loadStyle: function () {
		document.head.appendChild(
			E('link', { rel: 'stylesheet', type: 'text/css', href: L.resource('vpnmasq/vpnmasq.css') }),
		);
	},

	duration: function (ms) {
		return ms < 10000 ? '%.1fs'.format(ms / 1000) : '%t'.format(ms / 1000);
	},

	ago: function (ms) {
		return _('%s ago').format(this.duration(ms));
	},

	bytes: function (count) {
		return '%1024.1mB'.format(count);
	},

	rate: function (bytesPerSecond) {
		return '%1024.1mB/s'.format(bytesPerSecond);
	},

	/* A state with a sign, for those who do not see its colour. */
	badge: function (kind, text) {
		return E('span', { class: 'vpnmasq-badge ' + CLASSES[kind] }, [
			E('span', { 'aria-hidden': 'true' }, [SIGNS[kind] + ' ']),
			text,
		]);
	},

	phase: function (item) {
		const kind = item.phase == 'established' && !item.marks.length ? 'good' : 'wait';
		const text = item.marks.length ? '%s (%s)'.format(item.phase, item.marks.join(', ')) : item.phase;
		return this.badge(kind, text);
	},

	problem: function (text) {
		return E('div', { class: 'alert-message warning', role: 'alert' }, [text]);
	},

	/* A section with its heading. */
	section: function (title, content) {
		return E('div', { class: 'cbi-section' }, [E('h3', {}, [title])].concat(content));
	},

	/* Names and values in two columns. */
	facts: function (rows) {
		return E(
			'table',
			{ class: 'table vpnmasq-facts' },
			rows.map(([name, value]) =>
				E('tr', { class: 'tr' }, [
					E('th', { class: 'td left', scope: 'row' }, [name]),
					E('td', { class: 'td left' }, [].concat(value)),
				]),
			),
		);
	},

	/* A table whose cells know their column's title, which narrow screens show beside them. */
	table: function (titles, rows, empty) {
		if (!rows.length) return E('p', {}, [E('em', {}, [empty])]);
		const cells = (row) =>
			row.map((cell, column) => E('td', { class: 'td left', 'data-title': titles[column] }, [].concat(cell)));
		return E('table', { class: 'table' }, [
			E(
				'tr',
				{ class: 'tr table-titles' },
				titles.map((title) => E('th', { class: 'th left', scope: 'col' }, [title])),
			),
			...rows.map((row) => E('tr', { class: 'tr' }, cells(row))),
		]);
	},

	/* A link to what is known of a client, a server or an SPI. */
	subject: function (text) {
		if (!text) return _('unknown');
		const page = L.url('admin/services/vpnmasq/explain') + '?subject=' + encodeURIComponent(text);
		return E('a', { href: page }, [text]);
	},
});
