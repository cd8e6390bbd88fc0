import { SlidersHorizontal } from 'lucide-react';
import { useId, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { Segments } from '../ui/segments.js';
import { canSearch, EVIDENCE, GROUPS, ORDERS, type SearchState } from './search-state.js';
import type { ChangeState } from './use-state.js';

interface ToolbarProps {
  readonly state: SearchState;
  readonly change: ChangeState;
  /** Items that match; null while it is not known. */
  readonly total: number | null;
}

/** What kind of items to show, how many were found, and the options of the ranking. */
export function Toolbar({ state, change, total }: ToolbarProps) {
  const t = useMessages();
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <>
      <div className="toolbar">
        <Segments
          label={t.search.target}
          value={state.target ?? 'both'}
          options={[
            ['both', t.search.both],
            ['IMAGE', t.search.onlyImages],
            ['TEXT', t.search.onlyTexts],
          ]}
          onChange={(target) => change({ target: target === 'both' ? null : target })}
        />
        <button
          type="button"
          className="quiet"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
        >
          <SlidersHorizontal aria-hidden size={16} />
          {t.search.options}
        </button>
        <output className="faint total">
          {total === null ? '' : canSearch(state) ? t.search.found(total) : t.search.all(total)}
        </output>
      </div>
      <div id={id} className="options" hidden={!open}>
        <Choice
          label={t.search.evidence}
          value={state.evidence ?? 'auto'}
          options={[
            ['auto', t.search.evidences.auto],
            ...EVIDENCE.map((e) => [e, t.search.evidences[e]] as const),
          ]}
          onChange={(value) => change({ evidence: EVIDENCE.find((one) => one === value) ?? null })}
        />
        <Choice
          label={t.search.order}
          value={state.order}
          options={ORDERS.map((order) => [order, t.search.orders[order]])}
          onChange={(value) => change({ order: ORDERS.find((one) => one === value) ?? 'relevance' })}
        />
        <Choice
          label={t.search.group}
          value={state.group ?? 'none'}
          options={[
            ['none', t.search.groups.none],
            ...GROUPS.flatMap((g) => (g === 'METADATA' ? [] : [[g, t.search.groups[g]] as const])),
          ]}
          onChange={(value) => change({ group: GROUPS.find((one) => one === value) ?? null })}
        />
        <label className="option">
          <span>{t.search.diversity}</span>
          <input
            type="range"
            min={0}
            max={1}
            step={0.1}
            value={state.diversity}
            onChange={(event) => change({ diversity: Number(event.target.value) }, { replace: true })}
          />
        </label>
        <label className="option check">
          <input
            type="checkbox"
            checked={state.hideDuplicates}
            onChange={(event) => change({ hideDuplicates: event.target.checked })}
          />
          <span>{t.search.duplicates}</span>
        </label>
      </div>
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, name: string])[];
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label className="option">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
