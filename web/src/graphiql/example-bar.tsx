import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useMessages } from '../messages/index.js';
import { EXAMPLES, type Example, operationOf } from './examples.js';

/** Opens examples, each in a tab of its own. It is within the provider of GraphiQL. */
export function ExampleBar() {
  const t = useMessages();
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL(pick('tabs', 'queryEditor', 'variableEditor'));
  const open = (example: Example) => {
    const opened = tabs.findIndex(({ title }) => title === operationOf(example));
    if (opened >= 0) return changeTab(opened);
    addTab();
    queryEditor?.setValue(example.query);
    variableEditor?.setValue(example.variables);
  };
  return (
    <ul aria-label={t.api.examples} className="example-bar">
      {EXAMPLES.map((example) => (
        <li key={example.name}>
          <button
            type="button"
            title={t.api.hints[example.name]}
            disabled={queryEditor === undefined || variableEditor === undefined}
            onClick={() => open(example)}
          >
            {t.api.names[example.name]}
          </button>
        </li>
      ))}
    </ul>
  );
}
