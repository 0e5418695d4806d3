// SPDX-License-Identifier: GPL-2.0-only
// A stand-in for LuCI's form: a map over a package of UCI, sections with tabs, options that check what is entered.
'use strict';
'require baseclass';
'require dom';
'require rpc';

const get = rpc.declare({ object: 'uci', method: 'get', params: ['config'], expect: { values: {} } });
const set = rpc.declare({ object: 'uci', method: 'set', params: ['config', 'section', 'values'] });
const remove = rpc.declare({ object: 'uci', method: 'delete', params: ['config', 'section', 'options'] });

const ADDRESS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function isAddress(text) {
	const octets = ADDRESS.exec(text);
	return octets != null && octets.slice(1).every((octet) => Number(octet) <= 255);
}

/* The datatypes that are used, as LuCI has them. */
const DATATYPES = {
	range: (text, least, most) => text.trim() !== '' && Number(text) >= Number(least) && Number(text) <= Number(most),
	maxlength: (text, most) => text.length <= Number(most),
	port: (text) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65535,
	ip4addr: (text) => isAddress(text),
	cidr4: (text) => /^[^/]+\/\d+$/.test(text) && isAddress(text.split('/')[0]) && Number(text.split('/')[1]) <= 32,
};

function matchesDatatype(datatype, text) {
	const [, name, list] = /^(\w+)(?:\((.*)\))?$/.exec(datatype);
	if (!DATATYPES[name]) throw new Error('the stand-in has no datatype ' + name);
	return DATATYPES[name](text, ...(list || '').split(','));
}

const AbstractValue = baseclass.extend({
	__init__: function (section, name, title) {
		Object.assign(this, {
			section,
			option: name,
			title,
			rmempty: true,
			optional: false,
			retain: false,
			choices: [],
			conditions: [],
			nodes: new Map(),
		});
	},

	/* The option is there only while another of its section has the value, or one that the expression matches. */
	depends: function (name, wanted) {
		this.conditions.push([name, wanted]);
	},

	/* Any condition is enough. An option that is not on the page, or not there itself, fulfils none. */
	isActive: function (id) {
		return !this.conditions.length || this.conditions.some(([name, wanted]) => this.isFulfilled(id, name, wanted));
	},

	isFulfilled: function (id, name, wanted) {
		const other = this.section.options.find((one) => one.option === name);
		const value = other && other.isActive(id) ? other.formvalue(id) : null;
		return wanted instanceof RegExp ? value != null && wanted.test(value) : value === wanted;
	},

	value: function (key, title) {
		this.choices.push([key, title || key]);
	},

	cfgvalue: function (id) {
		return this.section.map.data[id][this.option];
	},

	idOf: function (id) {
		return ['cbid', this.section.map.config, id, this.option].join('.');
	},

	render: function (id) {
		const widget = this.widget(id, this.cfgvalue(id) ?? this.default);
		this.nodes.set(id, widget);
		widget.addEventListener('change', () => this.check(id) && this.section.showActive(id));
		widget.addEventListener('focusout', () => this.check(id));
		return E('div', { class: 'cbi-value', id: ['cbi', this.section.map.config, id, this.option].join('-') }, [
			E('label', { class: 'cbi-value-title', for: this.idOf(id) }, [this.title]),
			E('div', { class: 'cbi-value-field' }, [widget, E('div', { class: 'cbi-value-description' }, this.description)]),
		]);
	},

	/* Every field of it, with whether what is in it is accepted. */
	check: function (id) {
		return this.fields(id)
			.map((field) => {
				const isGood = this.accepts(id, field.value, field.isLast);
				field.node.classList.toggle('cbi-input-invalid', !isGood);
				return isGood;
			})
			.every((isGood) => isGood);
	},

	accepts: function (id, text, isSpare) {
		if (text === '') return isSpare || this.optional || this.rmempty;
		if (this.datatype && !matchesDatatype(this.datatype, text)) return false;
		return !this.validate || this.validate(id, text) === true;
	},

	fields: function (id) {
		const node = this.nodes.get(id).querySelector('input, select') || this.nodes.get(id);
		return [{ node, value: this.formvalue(id) }];
	},

	/* What is to be written; null: the option goes. */
	wanted: function (id) {
		const value = this.formvalue(id);
		return value === '' || (this.rmempty && value === this.default) ? null : value;
	},
});

const Value = AbstractValue.extend({
	widget: function (id, value) {
		const input = { type: 'text', class: 'cbi-input-text', id: this.idOf(id), value, placeholder: this.placeholder };
		return E('div', { id: 'widget.' + this.idOf(id) }, [E('input', input)]);
	},

	formvalue: function (id) {
		return this.nodes.get(id).querySelector('input').value;
	},
});

const Flag = AbstractValue.extend({
	widget: function (id, value) {
		const input = { type: 'checkbox', id: this.idOf(id), checked: value === '1' ? '' : null };
		return E('div', { class: 'cbi-checkbox' }, [E('input', input)]);
	},

	formvalue: function (id) {
		return this.nodes.get(id).querySelector('input').checked ? '1' : '0';
	},
});

const ListValue = AbstractValue.extend({
	widget: function (id, value) {
		const options = this.choices.map(([key, title]) =>
			E('option', { value: key, selected: key === value ? '' : null }, [title]),
		);
		return E('div', {}, [E('select', { class: 'cbi-input-select', id: this.idOf(id) }, options)]);
	},

	formvalue: function (id) {
		return this.nodes.get(id).querySelector('select').value;
	},
});

const DynamicList = AbstractValue.extend({
	widget: function (id, value) {
		const box = E('div', { class: 'cbi-dynlist' });
		const add = (text) => {
			const input = E('input', { type: 'text', class: 'cbi-input-text', value: text, 'aria-label': this.title });
			input.addEventListener('change', () => input === box.lastChild && input.value !== '' && add(''));
			box.append(input);
		};
		for (const text of [].concat(value ?? [], '')) add(text);
		box.firstChild.id = this.idOf(id);
		return box;
	},

	formvalue: function (id) {
		return [...this.nodes.get(id).children].map((input) => input.value).filter((text) => text !== '');
	},

	fields: function (id) {
		return [...this.nodes.get(id).children].map((node) => ({ node, value: node.value, isLast: node.value === '' }));
	},

	wanted: function (id) {
		const value = this.formvalue(id);
		return value.length ? value : null;
	},
});

const NamedSection = baseclass.extend({
	__init__: function (map, type, title, description, id) {
		Object.assign(this, { map, type, title, description, id, options: [], tabs: new Map() });
	},

	tab: function (name, title) {
		this.tabs.set(name, title);
	},

	option: function (Class, name, title) {
		return this.taboption(null, Class, name, title);
	},

	taboption: function (tab, Class, name, title) {
		const option = new Class(this, name, title);
		option.tab = tab;
		this.options.push(option);
		return option;
	},

	ids: function () {
		return this.id in this.map.data ? [this.id] : [];
	},

	render: function () {
		const head = [E('h3', {}, [this.title]), E('div', { class: 'cbi-section-descr' }, this.description)];
		return E('div', { class: 'cbi-section' }, [...head, ...this.ids().flatMap((id) => this.renderOne(id))]);
	},

	/* LuCI's style sheets hide what has the class. */
	showActive: function (id) {
		for (const option of this.options) {
			option.nodes.get(id).closest('.cbi-value').classList.toggle('hidden', !option.isActive(id));
		}
	},

	renderOne: function (id) {
		const nodes = this.renderOptions(id);
		this.showActive(id);
		return nodes;
	},

	renderOptions: function (id) {
		if (!this.tabs.size) return [E('h3', {}, [id]), ...this.options.map((option) => option.render(id))];
		const panes = [...this.tabs.keys()].map((name) => {
			const options = this.options.filter(({ tab }) => tab === name);
			return E(
				'div',
				{ 'data-tab': name, hidden: '' },
				options.map((option) => option.render(id)),
			);
		});
		const show = (at) =>
			panes.forEach((pane, index) => {
				pane.hidden = index !== at;
				menu.children[index].className = index === at ? 'cbi-tab' : 'cbi-tab-disabled';
			});
		const tab = (title, at) =>
			E('li', {}, [E('a', { href: '#', click: (event) => (event.preventDefault(), show(at)) }, [title])]);
		const menu = E('ul', { class: 'cbi-tabmenu' }, [...this.tabs.values()].map(tab));
		show(0);
		return [menu, ...panes];
	},
});

const TypedSection = NamedSection.extend({
	ids: function () {
		return Object.keys(this.map.data).filter((id) => this.map.data[id]['.type'] === this.type);
	},
});

const FormMap = baseclass.extend({
	__init__: function (config, title, description) {
		Object.assign(this, { config, title, description, sections: [] });
	},

	/* The arguments before the texts: a section's name and type, or its type. */
	section: function (Class, ...given) {
		const [id, type] = Class === TypedSection ? [null, given[0]] : given.splice(0, 1).concat(given[0]);
		const [, title, description] = given;
		const section = new Class(this, type, title, description, id);
		this.sections.push(section);
		return section;
	},

	render: function () {
		return get(this.config).then(async (data) => {
			this.data = data;
			await Promise.all(this.sections.flatMap(({ options }) => options.map((option) => option.load && option.load())));
			const head = [E('h2', {}, [this.title]), E('div', { class: 'cbi-map-descr' }, this.description)];
			this.node = E('div', { class: 'cbi-map', id: 'cbi-' + this.config }, [
				...head,
				...this.sections.map((one) => one.render()),
			]);
			return dom.bindClassInstance(this.node, this);
		});
	},

	/* Nothing is saved when anything is wrong. What is not there is not looked at; it goes, unless it is to be retained. */
	save: async function () {
		const everything = this.sections.flatMap((section) =>
			section.ids().flatMap((id) => section.options.map((option) => [id, option])),
		);
		const all = everything.filter(([id, option]) => option.isActive(id));
		if (!all.map(([id, option]) => option.check(id)).every((isGood) => isGood)) throw new TypeError('invalid');
		for (const [id, option] of everything) {
			if (!option.isActive(id) && option.retain) continue;
			const wanted = option.isActive(id) ? option.wanted(id) : null;
			if (wanted !== null) await set(this.config, id, { [option.option]: wanted });
			else if (option.cfgvalue(id) !== undefined) await remove(this.config, id, [option.option]);
		}
		this.data = await get(this.config);
	},

	reset: function () {
		return this.render().then((node) => document.querySelector('.cbi-map').replaceWith(node));
	},
});

return baseclass.extend({ Map: FormMap, NamedSection, TypedSection, Value, Flag, ListValue, DynamicList });
