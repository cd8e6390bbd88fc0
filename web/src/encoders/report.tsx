import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { EvaluateDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { Failure, messageOf } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { Classification } from './classification.js';
import { useFormats } from './formats.js';
import { MethodTable } from './method-table.js';
import { PerClass } from './per-class.js';
import { PrecisionRecall } from './precision-recall.js';
import { METRICS, type View } from './report-values.js';
import { useReport } from './use-report.js';

type Pairs = 'seen' | 'unseen' | 'harmonic';

/** How well a version retrieves on pairs that it was not trained on, beside baselines. */
export function Report({ id }: { readonly id: string }) {
  const t = useMessages();
  const format = useFormats();
  const { evaluation, report, error, isPending, refetch } = useReport(id);
  const [pairs, setPairs] = useState<Pairs>('seen');
  const [metric, setMetric] = useState<string>('map@all');
  const [view, setView] = useState<View>('avg');
  const shown = pairs === 'seen' && report?.seen == null && report?.unseen != null ? 'unseen' : pairs;
  const part = report === null || shown === 'harmonic' ? null : report[shown];
  const methods = shown === 'harmonic' ? (report?.harmonic ?? []) : (part?.methods ?? []);
  const shownParts = shown === 'harmonic' ? [report?.seen, report?.unseen] : [part];
  const isOneClass = shownParts.some((each) => each?.classes === 1);
  const measured = METRICS.filter((each) => methods[0]?.figures[view].has(each));
  return (
    <section aria-busy={isPending}>
      <header className="part-head">
        <h2>{t.encoders.report}</h2>
        <Evaluate id={id} running={evaluation?.state === 'RUNNING'} onBegin={() => void refetch()} />
      </header>
      {evaluation?.state === 'FAILED' && (
        <p role="alert" className="error">
          {evaluation.failure?.message ?? t.common.failed}
        </p>
      )}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {report === null && !isPending && !error && <p className="faint">{t.encoders.notMeasured}</p>}
      {report !== null && (
        <>
          <p className="faint">
            {report.source === 'evaluation'
              ? t.encoders.byEvaluation(format.time(report.evaluatedAt), format.percent(report.confidence))
              : t.encoders.byTraining}
          </p>
          {report.seen === null && report.unseen === null ? (
            <p className="faint">{t.encoders.nothingHeldOut}</p>
          ) : (
            <>
              <div className="toolbar">
                <Segments
                  label={t.encoders.heldOutPairs}
                  value={shown}
                  options={[
                    ...(report.seen ? [['seen', t.encoders.seenClasses] as const] : []),
                    ...(report.unseen ? [['unseen', t.encoders.unseenClassesShort] as const] : []),
                    ...(report.harmonic.length > 0 ? [['harmonic', t.encoders.harmonic] as const] : []),
                  ]}
                  onChange={setPairs}
                />
                <Segments
                  label={t.encoders.direction}
                  value={view}
                  options={[
                    ['avg', t.encoders.directions.avg],
                    ['i2t', t.encoders.directions.i2t],
                    ['t2i', t.encoders.directions.t2i],
                  ]}
                  onChange={setView}
                />
                <label className="inline">
                  {t.encoders.metric}
                  <select value={metric} onChange={(event) => setMetric(event.target.value)}>
                    {measured.map((each) => (
                      <option key={each} value={each}>
                        {t.encoders.metrics[each] ?? each}
                      </option>
                    ))}
                  </select>
                </label>
              </div>
              {part && (
                <p className="faint">
                  {t.encoders.measuredOn(part.images, part.texts, part.classes)}{' '}
                  {t.encoders.metricHints[metric] ?? ''}
                </p>
              )}
              {isOneClass && (
                <p role="note" className="estimate">
                  {t.encoders.oneClass}
                </p>
              )}
              <MethodTable methods={methods} metric={metric} view={view} />
              {part && part.curves.length > 0 && view !== 'avg' && (
                <PrecisionRecall curves={part.curves} direction={view === 'i2t' ? 'I2T' : 'T2I'} />
              )}
              {part && part.curves.length > 0 && view === 'avg' && (
                <p className="faint">{t.encoders.curvesByDirection}</p>
              )}
              {part && part.perClass.length > 0 && <PerClass rows={part.perClass} />}
            </>
          )}
          <Classification figures={report.classification} />
          {report.notes.length > 0 && (
            <ul className="notes faint">
              {report.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          )}
        </>
      )}
    </section>
  );
}

interface EvaluateProps {
  readonly id: string;
  readonly running: boolean;
  readonly onBegin: () => void;
}

function Evaluate({ id, running, onBegin }: EvaluateProps) {
  const t = useMessages();
  const [paper, setPaper] = useState(false);
  const begin = useMutation({
    mutationFn: async () => {
      const { evaluateEncoder } = await client.execute(EvaluateDocument, { id, paper });
      const [error] = evaluateEncoder.errors;
      if (error !== undefined) throw new Error(error.message);
    },
    onSuccess: onBegin,
  });
  return (
    <div className="toolbar">
      {running ? (
        <>
          <progress aria-label={t.encoders.evaluating} />
          <span role="status">{t.encoders.evaluating}</span>
        </>
      ) : (
        <>
          <label className="check">
            <input type="checkbox" checked={paper} onChange={(event) => setPaper(event.target.checked)} />
            {t.encoders.withPaper}
          </label>
          <button type="button" disabled={begin.isPending} onClick={() => begin.mutate()}>
            {t.encoders.evaluate}
          </button>
        </>
      )}
      {begin.error && (
        <p role="alert" className="error">
          {messageOf(begin.error)}
        </p>
      )}
    </div>
  );
}
