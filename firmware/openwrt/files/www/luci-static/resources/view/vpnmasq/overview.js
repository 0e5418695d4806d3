// SPDX-License-Identifier: GPL-2.0-only
// Whether all is well, in one look: health, links, tables, traffic, tunnels of the endpoint, and the last messages.
'use strict';
'require dom';
'require poll';
'require view';
'require vpnmasq.ask as ask';
'require vpnmasq.chart as charts';
'require vpnmasq.show as show';

const POLL_SECONDS = 3;

const HEALTH = { ok: 'success', degraded: 'warning', wedged: 'danger', absent: 'danger' };

function banner(health, status, tunnels) {
	if (status.error && tunnels.error)
		return show.problem(_('Neither a router nor an endpoint answers. %s').format(status.error));
	if (health.error || status.error) return '';
	return E('div', { class: 'alert-message ' + HEALTH[health.health], role: 'status' }, [
		E('strong', {}, ['%s: '.format(health.health)]),
		health.meaning,
	]);
}

function link(side) {
	if (!side.present) return [show.badge('bad', _('missing')), ' ', side.name];
	const state = side.up ? show.badge('good', _('up')) : show.badge('bad', _('down'));
	const lost = side.dropped ? _('%d frames lost').format(side.dropped) : '';
	const parts = [side.name, side.address || _('no address'), 'MTU %d'.format(side.mtu_bytes), lost];
	return [state, ' ', parts.filter((part) => part).join(', ')];
}

function restored(status) {
	if (status.restored.source == 'none') return _('nothing: no snapshot was found');
	return _('%d ESP items, %d IKE sessions').format(status.restored.esp, status.restored.ike);
}

function reload(status) {
	if (!status.reload) return _('none since the start');
	if (status.reload.ok)
		return [show.badge('good', _('done')), ' ', show.ago(status.reload.age_ms)].concat(status.reload.messages);
	return [
		show.badge('bad', _('refused; the configuration before it holds')),
		' ',
		show.ago(status.reload.age_ms),
	].concat(status.reload.messages.map((message) => E('div', {}, [message])));
}

/* What the init script said about the configuration: why an older one holds, and advice on the firewall. */
function notes(answer) {
	return (answer.notes || []).map((note) => E('div', { class: 'alert-message warning' }, [note]));
}

function routerFacts(status) {
	const esp = status.esp;
	const facts = [
		[
			_('Running'),
			'%s %s, %s, %s'.format(
				'vpnmasq',
				status.version,
				show.duration(status.uptime_ms),
				show.bytes(status.resident_bytes),
			),
		],
		[_('LAN'), link(status.lan)],
		[_('WAN'), link(status.wan)],
		[_('IKE sessions'), _('%d of %d').format(status.ike.total, status.ike.capacity)],
		[
			_('ESP items'),
			_('%d of %d: %d established, %d outstanding, %d waiting').format(
				esp.total,
				esp.capacity,
				esp.established,
				esp.outstanding,
				esp.waiting,
			),
		],
		[_('Packets held'), '%d'.format(status.held_packets)],
		[_('Kernel rules'), status.kernel_rules],
		[_('Restored at the start'), restored(status)],
		[_('Last reload'), reload(status)],
	];
	if (status.flows)
		facts.splice(5, 0, [
			_('Flows'),
			'TCP %d, UDP %d, ICMP %d'.format(status.flows.tcp, status.flows.udp, status.flows.icmp),
		]);
	return show.facts(facts);
}

/* Tunnels whose way back is lost, and what is done about it. */
function recoveries(explained) {
	const rows = (explained.losses || []).map((loss) => [
		show.subject(loss.client),
		show.subject(loss.server),
		show.badge(loss.phase == 'blocked' ? 'bad' : 'wait', loss.phase),
		loss.evidence,
		_('in %s: %s').format(show.duration(loss.ends_in_ms), loss.next),
	]);
	const titles = [_('Client'), _('Server'), _('State'), _('Evidence'), _('Next')];
	return show.table(titles, rows, _('No tunnel has lost its way back.'));
}

function lastRecovery(tunnel) {
	const last = tunnel.last_recovery;
	if (!last) return '%d'.format(tunnel.recoveries);
	return _('%d; the last %s by %s, in %s').format(
		tunnel.recoveries,
		show.ago(last.age_ms),
		last.by,
		show.duration(last.took_ms),
	);
}

function tunnelRow(tunnel) {
	const trip = tunnel.round_trip_ms == null ? '-' : '%d ms'.format(Math.ceil(tunnel.round_trip_ms));
	const next = !tunnel.next
		? '-'
		: tunnel.next.in_ms == null
			? tunnel.next.what
			: _('%s in %s').format(tunnel.next.what, show.duration(tunnel.next.in_ms));
	const state = [
		show.badge(tunnel.state == 'up' ? 'good' : 'bad', tunnel.state),
		' ',
		show.duration(tunnel.state_age_ms),
	];
	const problems = tunnel.problems.map((problem) => E('div', { class: 'vpnmasq-bad' }, [problem]));
	return [
		tunnel.name,
		state.concat(problems),
		'%s > %s'.format(tunnel.local || _('any'), tunnel.peer || _('any')),
		trip,
		lastRecovery(tunnel),
		next,
	];
}

function tunnelTable(tunnels) {
	const titles = [_('Tunnel'), _('State'), _('Peers'), _('Round trip'), _('Recoveries'), _('Next')];
	return show.table(titles, tunnels.map(tunnelRow), _('The endpoint watches no tunnel.'));
}

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load: function () {
		show.loadStyle();
		return this.ask();
	},

	ask: function () {
		return Promise.all([ask.health(), ask.status(), ask.tunnels(0, ask.PAGE_ITEMS), ask.explain(''), ask.log()]);
	},

	render: function (answers) {
		this.traffic = new charts.Chart(_('Traffic through the WAN'), (value) => show.rate(value));
		this.trips = new charts.Chart(_('Round trips through the tunnels'), (value) => '%.1f ms'.format(value));
		this.parts = {
			banner: E('div'),
			router: E('div'),
			recoveries: E('div'),
			tunnels: E('div'),
			log: E('pre', { class: 'vpnmasq-log' }),
		};
		this.sections = {
			router: E('div', {}, [
				show.section(_('Router'), [this.parts.router, this.traffic.node]),
				show.section(_('Recoveries'), [this.parts.recoveries]),
				E('details', {}, [E('summary', {}, [_('Last messages')]), this.parts.log]),
			]),
			endpoint: show.section(_('Tunnels of this endpoint'), [this.parts.tunnels, this.trips.node]),
		};
		this.update(answers);
		poll.add(() => this.ask().then((fresh) => this.update(fresh)), POLL_SECONDS);
		return E('div', { class: 'cbi-map' }, [
			E('h2', {}, [_('VPN Masquerade')]),
			this.parts.banner,
			this.sections.endpoint,
			this.sections.router,
		]);
	},

	update: function ([health, status, tunnels, explained, log]) {
		dom.content(this.parts.banner, [banner(health, status, tunnels), ...notes(status), ...notes(tunnels)]);
		this.sections.router.hidden = Boolean(status.error);
		this.sections.endpoint.hidden = Boolean(tunnels.error);
		if (!status.error) {
			dom.content(this.parts.router, routerFacts(status));
			dom.content(this.parts.recoveries, recoveries(explained));
			dom.content(this.parts.log, [(log.lines || []).join('\n')]);
			this.addTraffic(status);
		}
		if (!tunnels.error) {
			dom.content(this.parts.tunnels, tunnelTable(tunnels.tunnels));
			this.trips.add(Object.fromEntries(tunnels.tunnels.map((tunnel) => [tunnel.name, tunnel.round_trip_ms])));
		}
	},

	/* Rates since the look before; after a restart counters begin anew, and the first look says nothing. */
	addTraffic: function (status) {
		const before = this.before;
		this.before = status;
		if (!before || status.uptime_ms <= before.uptime_ms) return;
		const seconds = (status.uptime_ms - before.uptime_ms) / 1000;
		const rate = (field) => Math.max(0, status.wan[field] - before.wan[field]) / seconds;
		this.traffic.add({ [_('in')]: rate('bytes_in'), [_('out')]: rate('bytes_out') });
	},
});
