import * as vscode from 'vscode';
import type { Ctx } from '../ctx';
import { toEngineError } from '../engineError';
import { Cancelled, UserError } from '../userError';
import { analyzeCurvature } from './analyzeCurvature';
import { analyzeModel } from './analyzeModel';
import { cancelAnalysis } from './cancelAnalysis';
import { chooseData } from './chooseData';
import { compareReports } from './compareReports';
import { exportQuantized } from './exportQuantized';
import { layerSpectrum } from './layerSpectrum';
import { measureActivations } from './measureActivations';
import { measureCoupling } from './measureCoupling';
import { measureSpectrum } from './measureSpectrum';
import { measureStability } from './measureStability';
import { measureTrust } from './measureTrust';
import { openReport } from './openReport';
import { resumeAnalysis } from './resumeAnalysis';
import { saveBits } from './saveBits';
import { saveReport } from './saveReport';
import { showModelText } from './showModelText';

type Command = (ctx: Ctx, ...args: never[]) => unknown;

/** Every command, by id. package.json declares the same ones; a test compares the two. */
export const commands = {
  'curvature.analyzeModel': analyzeModel,
  'curvature.analyzeCurvature': analyzeCurvature,
  'curvature.chooseData': chooseData,
  'curvature.showModelText': showModelText,
  'curvature.cancelAnalysis': cancelAnalysis,
  'curvature.resumeAnalysis': resumeAnalysis,
  'curvature.openReport': openReport,
  'curvature.compareReports': compareReports,
  'curvature.saveReport': saveReport,
  'curvature.saveBits': saveBits,
  'curvature.exportQuantized': exportQuantized,
  'curvature.measureActivations': measureActivations,
  'curvature.measureSpectrum': measureSpectrum,
  'curvature.measureStability': measureStability,
  'curvature.layerSpectrum': layerSpectrum,
  'curvature.measureCoupling': measureCoupling,
  'curvature.measureTrust': measureTrust,
} satisfies Record<string, Command>;

export function registerCommands(ctx: Ctx): vscode.Disposable {
  const registered = Object.entries(commands).map(([id, command]) =>
    vscode.commands.registerCommand(id, async (...args: unknown[]) => {
      try {
        return await (command as (ctx: Ctx, ...args: unknown[]) => unknown)(ctx, ...args);
      } catch (error) {
        void showError(ctx, id, error);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

/** The one place where a failed command is told: in the log always, on the screen unless the user cancelled. */
async function showError(ctx: Ctx, command: string, error: unknown): Promise<void> {
  if (error instanceof Cancelled) {
    ctx.log.info(`${command}: cancelled`);
    return;
  }
  const { message, hint, actions } = error instanceof UserError ? error : { ...plain(error), actions: [] };
  ctx.log.error(`${command}: ${message}`, ...(error instanceof UserError ? [] : [error]));
  const text = hint ? `${message} ${hint}` : message;
  const titles = [...actions.map(action => action.title), 'Show Log'];
  const chosen = await vscode.window.showErrorMessage(`Curvature: ${text}`, ...titles);
  const action = actions.find(({ title }) => title === chosen);
  if (action) await vscode.commands.executeCommand(action.command, ...action.args);
  else if (chosen) ctx.log.show();
}

function plain(error: unknown): { message: string; hint?: string | undefined } {
  const { message, hint } = toEngineError(error);
  return { message, hint };
}
