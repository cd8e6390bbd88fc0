import { Command } from 'commander';
import { type GlobalOptions, type OpenApp, run, withServerOptions } from './run.js';
import { printReport, reportJson } from './train.js';
import { showTraining } from './training-progress.js';

interface AdoptOptions extends GlobalOptions {
  readonly activate: boolean;
  readonly force?: boolean;
}

export function adoptCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('adopt'))
    .description('take the space of a pre-trained model as it is: searches work before any training')
    .argument('<model>', 'onnx:PATH or hf:ORG/NAME of a model of two towers')
    .option('--no-activate', 'do not activate the encoder, unless it is the first one')
    .option(
      '--force',
      'activate the encoder even if it retrieves worse than the active one or its pre-trained model',
    )
    .action((model: string, { activate, force = false, ...options }: AdoptOptions) =>
      run(openApp, options, {}, async ({ out, connect, signal }) => {
        const { training } = await connect();
        const progress = showTraining();
        const report = await training
          .adopt({ model, activate, force }, { onProgress: progress.update, signal })
          .finally(() => progress.stop());
        printReport(out, report);
        if (report.refusal !== null) {
          out.note(
            `Not activated: ${report.refusal} \`commonspace activate ${report.encoder} --force\` activates it.`,
          );
        }
        out.printJson(reportJson(report));
      }),
    );
}
