// SPDX-License-Identifier: GPL-2.0-only
// The router's tables, a page at a time: IKE sessions, ESP items, and flows of scope all.
'use strict';
'require dom';
'require poll';
'require view';
'require vpnmasq.ask as ask';
'require vpnmasq.show as show';

const POLL_SECONDS = 5;

const TABLES = {
	esp: {
		title: _('ESP items'),
		columns: [
			_('Client'),
			_('Server'),
			_('SPI out'),
			_('SPI in'),
			_('State'),
			_('Evidence'),
			_('Out'),
			_('In'),
			_('Idle'),
		],
		row: (item) => [
			show.subject(item.client),
			show.subject(item.server),
			show.subject(item.out_spi),
			show.subject(item.in_spi),
			show.phase(item),
			item.evidence,
			show.bytes(item.bytes_out),
			show.bytes(item.bytes_in),
			show.duration(item.idle_ms),
		],
	},
	ike: {
		title: _('IKE sessions'),
		columns: [
			_('Client'),
			_('Server'),
			_('Version'),
			_('Cookies'),
			_('State'),
			_('Packets out'),
			_('Packets in'),
			_('Idle'),
		],
		row: (item) => [
			show.subject(item.client),
			show.subject(item.server),
			'IKEv%d'.format(item.version),
			E('code', {}, ['%s %s'.format(item.initiator_cookie, item.responder_cookie || _('unknown'))]),
			show.phase(item),
			'%d'.format(item.packets_out),
			'%d'.format(item.packets_in),
			show.duration(item.idle_ms),
		],
	},
	flows: {
		title: _('Flows (scope all)'),
		columns: [_('Protocol'), _('Client'), _('Port'), _('Server'), _('State'), _('Bytes'), _('Idle')],
		row: (item) => [
			item.protocol,
			'%s:%d'.format(item.client, item.client_port),
			'%d'.format(item.mapped_port),
			'%s:%d'.format(item.server, item.server_port),
			item.phase,
			show.bytes(item.bytes),
			show.duration(item.idle_ms),
		],
	},
};

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	name: 'esp',
	offset: 0,

	load: function () {
		show.loadStyle();
		return this.ask();
	},

	ask: function () {
		return ask.table(this.name, this.offset, ask.PAGE_ITEMS);
	},

	render: function (page) {
		const options = Object.entries(TABLES).map(([name, { title }]) => E('option', { value: name }, [title]));
		const turn = (ways) => () => this.show(this.name, Math.max(0, this.offset + ways * ask.PAGE_ITEMS));
		this.choice = E(
			'select',
			{ id: 'vpnmasq-table', class: 'cbi-input-select', change: () => this.show(this.choice.value, 0) },
			options,
		);
		this.back = E('button', { class: 'btn cbi-button', type: 'button', click: turn(-1) }, [_('Previous page')]);
		this.on = E('button', { class: 'btn cbi-button', type: 'button', click: turn(1) }, [_('Next page')]);
		this.place = E('span', { role: 'status' });
		this.content = E('div');
		this.update(page);
		poll.add(() => this.ask().then((fresh) => this.update(fresh)), POLL_SECONDS);
		return E('div', { class: 'cbi-map' }, [
			E('h2', {}, [_('Tables')]),
			E('div', { class: 'vpnmasq-tools' }, [
				E('label', { for: 'vpnmasq-table' }, [_('Table')]),
				this.choice,
				this.back,
				this.on,
				this.place,
			]),
			E('div', { class: 'cbi-section' }, [this.content]),
		]);
	},

	/* Goes to a page. What is asked for at the same time by the poll may come in late: it is left aside. */
	show: function (name, offset) {
		this.name = name;
		this.offset = offset;
		return this.ask().then((page) => this.update(page));
	},

	update: function (page) {
		if (page.error) {
			dom.content(this.content, show.problem(page.error));
			return;
		}
		if (page.table != this.name || page.offset != this.offset) return;
		if (!page.items.length && page.offset > 0) {
			this.show(this.name, Math.max(0, page.offset - ask.PAGE_ITEMS));
			return;
		}
		const { columns, row } = TABLES[this.name];
		const last = page.offset + page.items.length;
		this.back.disabled = page.offset == 0;
		this.on.disabled = last >= page.total;
		const place = page.total ? _('%d to %d of %d').format(page.offset + 1, last, page.total) : _('none');
		dom.content(this.place, [place]);
		dom.content(this.content, show.table(columns, page.items.map(row), _('This table is empty.')));
	},
});
