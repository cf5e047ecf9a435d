import * as vscode from 'vscode';
import type { StabilityReport } from '../../engine/report/stability';
import { PROJECT_FILE } from '../../engine/training/projectFile';
import type { Analyses } from '../analyses';
import { Disposable } from '../dispose';
import { exists, fileName, isModel, withoutExtension } from '../modelUri';
import { readReportFile } from '../reportFile';
import { projectFileOf } from '../training';
import type { StudiedModel } from './findings';

export const PROJECT_FILES: vscode.DocumentFilter = { pattern: `**/${PROJECT_FILE}` };

export const isProjectFile = ({ uri }: vscode.TextDocument): boolean => fileName(uri) === PROJECT_FILE;

export interface ProjectModel extends StudiedModel {
  readonly model: vscode.Uri;
}

/** A project's file may hold for all models below it; more files than this are not looked through. */
const MOST_FILES = 200;

/** The models that projects' files hold for and whose stability of training was measured; read again when anything of that changes. */
export class ProjectStudies extends Disposable {
  private readonly changed = this.register(new vscode.EventEmitter<void>());
  readonly onDidChange = this.changed.event;
  private readonly known = new Map<string, Promise<ProjectModel[]>>();

  constructor(private readonly analyses: Analyses) {
    super();
    const files = this.register(
      vscode.workspace.createFileSystemWatcher(`**/{*.onnx,*.curvature.json,${PROJECT_FILE}}`),
    );
    const forget = (): void => {
      this.known.clear();
      this.changed.fire();
    };
    for (const event of [files.onDidChange, files.onDidCreate, files.onDidDelete])
      this.register(event(forget));
    this.register(analyses.onDidChange(({ isRunning }) => isRunning || forget()));
  }

  of(project: vscode.Uri): Promise<ProjectModel[]> {
    const key = project.toString();
    const known = this.known.get(key) ?? this.read(project);
    this.known.set(key, known);
    return known;
  }

  private async read(project: vscode.Uri): Promise<ProjectModel[]> {
    const folder = vscode.Uri.joinPath(project, '..');
    const pattern = new vscode.RelativePattern(folder, '**/*.{onnx,curvature.json}');
    const files = await vscode.workspace.findFiles(pattern, '**/node_modules/**', MOST_FILES);
    const models = new Map(files.map(modelOf).map(model => [model.toString(), model]));
    const found = await Promise.all(
      [...models.values()].map(async (model): Promise<ProjectModel[]> => {
        if ((await projectFileOf(model)).toString() !== project.toString()) return [];
        const study = await this.studyOf(model);
        const name = model.path.slice(folder.path.length + 1);
        return study ? [{ model, name, study }] : [];
      }),
    );
    return found.flat().sort((a, b) => a.name.localeCompare(b.name));
  }

  /** What the panel shows, or else what `MODEL.curvature.json` beside the model has; a report that can't be read counts as none. */
  private async studyOf(model: vscode.Uri) {
    const analysis = (await exists(model)) ? await this.analyses.of(model) : undefined;
    const shown = analysis?.report?.studies?.stability;
    if (isWhole(shown)) return shown;
    const base = withoutExtension(model);
    const file = base.with({ path: `${base.path}.curvature.json` });
    const report = (await exists(file)) ? await readReportFile(file).catch(() => undefined) : undefined;
    const stored = report?.studies?.stability;
    return isWhole(stored) ? stored : undefined;
  }
}

/** Where the search for λmax is not through, no verdict is told of a project's settings. */
const isWhole = (study: StabilityReport | undefined): study is StabilityReport =>
  study !== undefined && study.complete !== false;

/** The model of a report beside it is the one of its own name. */
const modelOf = (file: vscode.Uri): vscode.Uri =>
  isModel(file) ? file : file.with({ path: file.path.replace(/\.curvature\.json$/i, '.onnx') });
