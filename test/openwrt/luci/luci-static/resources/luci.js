// SPDX-License-Identifier: GPL-2.0-only
// A stand-in for LuCI's own modules, written for these tests from what LuCI documents of them; no code of LuCI's.
//
// It has what the pages of luci-app-vpnmasq use, under the same names and with the same arguments: the loader of classes
// with 'require …' lines, baseclass, view, dom, poll, E(), _(), and text.format(). What it has not fails in a test.
// Run the tests with LUCI_SOURCE set to a checkout of openwrt/luci to see the real modules agree.
'use strict';

/* How an amount is written: %1024.1mB. */
const PREFIXES = ['', ' K', ' M', ' G', ' T'];

function formatAmount(value, base, decimals) {
	let rest = Number(value) || 0;
	let power = 0;
	while (rest > base && power < PREFIXES.length - 1) {
		rest /= base;
		power += 1;
	}
	return power == 0 ? rest + ' ' : rest.toFixed(decimals) + PREFIXES[power] + (base == 1024 ? 'i' : '');
}

function formatTime(value) {
	const seconds = value || 0;
	const parts = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
	const text = parts[0] + 'h ' + parts[1] + 'm ' + parts[2] + 's';
	return seconds >= 86400 ? Math.floor(seconds / 86400) + 'd ' + text : text;
}

const ENTITIES = { '&': '&#38;', '"': '&#34;', "'": '&#39;', '<': '&#60;', '>': '&#62;' };

String.prototype.format = function (...values) {
	return this.replace(/%(\d+)?(?:\.(\d+))?([%dfshtm])/g, (whole, width, precision, kind) => {
		if (kind == '%') return '%';
		if (!values.length) return whole;
		const value = values.shift();
		if (kind == 'd') return Math.floor(Number(value) || 0).toFixed(0);
		if (kind == 'f') return (Number(value) || 0).toFixed(precision == null ? 6 : precision);
		if (kind == 't') return formatTime(value);
		if (kind == 'm') return formatAmount(value, Number(width || 1000), Number(precision || 2));
		if (kind == 'h') return String(value).replace(/[&"'<>]/g, (character) => ENTITIES[character]);
		return String(value);
	});
};

window._ = (text) => (window.TR && window.TR[text]) || text;

/* Classes: extend() makes a subclass, whose instances are made with `new`; __init__ is the constructor. */
class Base {
	constructor(...values) {
		if (this.__init__) this.__init__(...values);
	}

	static extend(members) {
		const Parent = this;
		const Child = class extends Parent {};
		Object.assign(Child.prototype, members);
		return Child;
	}

	/* The method of the class above that has one of its own. */
	super(name, values) {
		let place = Object.getPrototypeOf(this);
		while (!Object.hasOwn(place, name)) place = Object.getPrototypeOf(place);
		return Object.getPrototypeOf(place)[name].apply(this, values || []);
	}
}

const instances = new WeakMap();

const dom = {
	/* Text within a list is text; by itself it is HTML, as in LuCI. */
	append(node, children) {
		if (Array.isArray(children)) {
			for (const child of children) if (child != null) node.append(child instanceof Node ? child : String(child));
		} else if (children instanceof Node) {
			node.append(children);
		} else if (children != null) {
			node.innerHTML = String(children);
		}
		return node;
	},

	content(node, children) {
		node.replaceChildren();
		return dom.append(node, children);
	},

	create(name, attributes, children) {
		const node = document.createElement(name);
		for (const [key, value] of Object.entries(attributes || {})) {
			if (typeof value == 'function') node.addEventListener(key, value);
			else if (value != null) node.setAttribute(key, value);
		}
		return dom.append(node, children);
	},

	bindClassInstance(node, instance) {
		instances.set(node, instance);
		return node;
	},

	callClassMethod(node, method, ...values) {
		const instance = instances.get(node);
		return instance && instance[method](...values);
	},
};

window.E = dom.create;

const poll = {
	add(fn, seconds) {
		setInterval(fn, seconds * 1000);
	},
};

const View = Base.extend({
	__init__() {
		const place = document.getElementById('view');
		return Promise.resolve(this.load ? this.load() : null)
			.then((data) => this.render(data))
			.then((nodes) => {
				dom.content(place, nodes);
				dom.append(place, this.addFooter());
			})
			.catch((problem) => setTimeout(() => Promise.reject(problem)));
	},

	eachMap(method) {
		return Promise.all([...document.querySelectorAll('.cbi-map')].map((map) => dom.callClassMethod(map, method)));
	},

	handleSave() {
		return this.eachMap('save');
	},

	handleReset() {
		return this.eachMap('reset');
	},

	handleSaveApply() {
		return this.handleSave();
	},

	addFooter() {
		const button = (handler, name, title) =>
			this[handler]
				? E('button', { class: 'btn cbi-button cbi-button-' + name, click: () => this[handler]().catch(() => null) }, [
						title,
					])
				: null;
		const buttons = [
			button('handleSaveApply', 'apply', 'Save & Apply'),
			button('handleSave', 'save', 'Save'),
			button('handleReset', 'reset', 'Reset'),
		];
		return buttons.some((one) => one) ? E('div', { class: 'cbi-page-actions' }, buttons) : null;
	},
});

const BUILT_IN = { baseclass: Base, dom, poll, view: View };
const REQUIRE = /^require\s+(\S+)(?:\s+as\s+(\S+))?$/;

window.LuCI = class {
	constructor(environment) {
		this.env = environment;
		this.classes = new Map();
	}

	resource(...parts) {
		return [this.env.resource, ...parts].join('/');
	}

	url(...parts) {
		return [this.env.scriptname, ...parts].join('/');
	}

	/* An instance of the class in a file, made once. */
	require(name) {
		if (name in BUILT_IN) return Promise.resolve(BUILT_IN[name]);
		if (!this.classes.has(name)) this.classes.set(name, this.load(name));
		return this.classes.get(name);
	}

	async load(name) {
		const address = this.resource(name.replaceAll('.', '/') + '.js');
		const reply = await fetch(address);
		if (!reply.ok) throw new Error('HTTP error ' + reply.status + ' while loading ' + address);
		const source = await reply.text();
		const wanted = [...source.matchAll(/^'([^']*)';$/gm)].map(([, text]) => REQUIRE.exec(text)).filter((one) => one);
		const parts = await Promise.all(wanted.map(([, part]) => this.require(part)));
		const names = wanted.map(([, part, as]) => as || part.replace(/\W/g, '_'));
		const factory = new Function('window', 'document', 'L', ...names, source + '\n//# sourceURL=' + address);
		const Class = factory.call(factory, window, document, this, ...parts);
		return new Class();
	}
};
