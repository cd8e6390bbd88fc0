import { useQuery } from '@tanstack/react-query';
import { ClassEvaluationDocument, ClassFiguresDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { Section } from '../ui/section.js';

/** How well the active encoder tells the class, by the latest evaluation; nothing if there is none. */
export function ClassMeasures({ name }: { readonly name: string }) {
  const t = useMessages();
  const { data } = useQuery({
    queryKey: ['class-measures'],
    queryFn: async ({ signal }) => {
      const active = (await client.execute(ClassFiguresDocument, {}, { signal })).encoders.nodes[0];
      if (active === undefined) return null;
      const { evaluation } = await client.execute(ClassEvaluationDocument, { id: active.id }, { signal });
      if (evaluation === null) return null;
      return [...(evaluation.seen?.perClass ?? []), ...(evaluation.unseen?.perClass ?? [])];
    },
  });
  if (!data?.length) return null;
  const figures = data.find((each) => each.name === name);
  if (figures === undefined) {
    return (
      <Section title={t.classes.measures}>
        <p className="faint">{t.classes.notMeasured}</p>
      </Section>
    );
  }
  const number = new Intl.NumberFormat(t.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(t.locale, { style: 'percent' });
  const show = (value: number | null) => (value === null ? '–' : number.format(value));
  return (
    <Section title={t.classes.measures}>
      <p>
        {t.classes.figures(show(figures.i2tAp), show(figures.t2iAp), show(figures.chance))}{' '}
        <span className="faint">{t.classes.measuredOn(figures.images, figures.texts)}</span>
      </p>
      {figures.chance === 1 && <p className="faint">{t.classes.alone}</p>}
      {figures.confusedWith.length > 0 && (
        <p>
          {t.classes.confused(
            figures.confusedWith.map((each) => `${each.name} (${percent.format(each.share)})`).join(', '),
          )}
        </p>
      )}
    </Section>
  );
}
