/**
 * What VS Code gives a webview: the kind of the theme on the body, and its colours as variables on the root. The values
 * are those read in a webview of VS Code itself, the translucent ones too.
 */
export interface Theme {
  readonly name: string;
  readonly kind: 'vscode-dark' | 'vscode-light' | 'vscode-high-contrast' | 'vscode-high-contrast-light';
  readonly colours: Readonly<Record<string, string>>;
}

const fonts = {
  'font-family': "system-ui, 'Segoe UI', Ubuntu, sans-serif",
  'font-size': '13px',
  'font-weight': 'normal',
  'editor-font-family': "'Droid Sans Mono', monospace",
  'editor-font-size': '14px',
};

/** Dark Modern. */
const dark: Theme = {
  name: 'dark',
  kind: 'vscode-dark',
  colours: {
    ...fonts,
    'button-background': '#0078d4',
    'button-border': 'rgba(255, 255, 255, 0.1)',
    'button-foreground': '#ffffff',
    'button-hoverBackground': '#026ec1',
    'button-secondaryBackground': 'rgba(0, 0, 0, 0)',
    'button-secondaryForeground': '#cccccc',
    'button-secondaryHoverBackground': '#2b2b2b',
    'charts-blue': '#59a4f9',
    'charts-foreground': '#cccccc',
    'charts-green': '#89d185',
    'charts-lines': 'rgba(204, 204, 204, 0.5)',
    'charts-orange': 'rgba(234, 92, 0, 0.33)',
    'charts-purple': '#b180d7',
    'charts-red': '#f14c4c',
    'charts-yellow': '#cca700',
    'checkbox-background': '#313131',
    'checkbox-border': '#3c3c3c',
    'checkbox-foreground': '#cccccc',
    descriptionForeground: '#9d9d9d',
    disabledForeground: 'rgba(204, 204, 204, 0.5)',
    'dropdown-background': '#313131',
    'dropdown-border': '#3c3c3c',
    'dropdown-foreground': '#cccccc',
    'editor-background': '#1f1f1f',
    'editor-foreground': '#cccccc',
    'editorError-foreground': '#f14c4c',
    'editorIndentGuide-background1': '#404040',
    'editorInfo-foreground': '#59a4f9',
    'editorWarning-foreground': '#cca700',
    'editorWidget-background': '#202020',
    focusBorder: '#0078d4',
    foreground: '#cccccc',
    'list-activeSelectionBackground': '#04395e',
    'list-activeSelectionForeground': '#ffffff',
    'list-hoverBackground': '#2a2d2e',
    'list-inactiveSelectionBackground': '#37373d',
    'progressBar-background': '#0078d4',
    'textLink-foreground': '#4daafc',
    'widget-border': '#313131',
  },
};

/** Light Modern. */
const light: Theme = {
  name: 'light',
  kind: 'vscode-light',
  colours: {
    ...fonts,
    'button-background': '#005fb8',
    'button-border': 'rgba(0, 0, 0, 0.1)',
    'button-foreground': '#ffffff',
    'button-hoverBackground': '#0258a8',
    'button-secondaryBackground': '#e5e5e5',
    'button-secondaryForeground': '#3b3b3b',
    'button-secondaryHoverBackground': '#cccccc',
    'charts-blue': '#0063d3',
    'charts-foreground': '#3b3b3b',
    'charts-green': '#388a34',
    'charts-lines': 'rgba(59, 59, 59, 0.5)',
    'charts-orange': 'rgba(234, 92, 0, 0.33)',
    'charts-purple': '#652d90',
    'charts-red': '#e51400',
    'charts-yellow': '#bf8803',
    'checkbox-background': '#f8f8f8',
    'checkbox-border': '#cecece',
    'checkbox-foreground': '#3b3b3b',
    descriptionForeground: '#3b3b3b',
    disabledForeground: 'rgba(97, 97, 97, 0.5)',
    'dropdown-background': '#ffffff',
    'dropdown-border': '#cecece',
    'dropdown-foreground': '#3b3b3b',
    'editor-background': '#ffffff',
    'editor-foreground': '#3b3b3b',
    'editorError-foreground': '#e51400',
    'editorIndentGuide-background1': '#d3d3d3',
    'editorInfo-foreground': '#0063d3',
    'editorWarning-foreground': '#bf8803',
    'editorWidget-background': '#f8f8f8',
    focusBorder: '#005fb8',
    foreground: '#3b3b3b',
    'list-activeSelectionBackground': '#e8e8e8',
    'list-activeSelectionForeground': '#000000',
    'list-hoverBackground': '#f2f2f2',
    'list-inactiveSelectionBackground': '#e4e6f1',
    'progressBar-background': '#005fb8',
    'textLink-foreground': '#005fb8',
    'widget-border': '#e5e5e5',
  },
};

/** Dark High Contrast: some colours have no value at all, charts-orange among them. */
const highContrast: Theme = {
  name: 'contrast',
  kind: 'vscode-high-contrast',
  colours: {
    ...fonts,
    'button-background': '#000000',
    'button-border': '#6fc3df',
    'button-foreground': '#ffffff',
    'button-secondaryForeground': '#ffffff',
    'charts-blue': '#59a4f9',
    'charts-foreground': '#ffffff',
    'charts-green': '#89d185',
    'charts-lines': 'rgba(255, 255, 255, 0.5)',
    'charts-purple': '#b180d7',
    'charts-red': '#f48771',
    'charts-yellow': '#ffd370',
    'checkbox-background': '#000000',
    'checkbox-border': '#6fc3df',
    'checkbox-foreground': '#ffffff',
    contrastActiveBorder: '#f38518',
    contrastBorder: '#6fc3df',
    descriptionForeground: 'rgba(255, 255, 255, 0.7)',
    disabledForeground: '#a5a5a5',
    'dropdown-background': '#000000',
    'dropdown-border': '#6fc3df',
    'dropdown-foreground': '#ffffff',
    'editor-background': '#000000',
    'editor-foreground': '#ffffff',
    'editorError-foreground': '#f48771',
    'editorIndentGuide-background1': '#ffffff',
    'editorInfo-foreground': '#59a4f9',
    'editorWarning-foreground': '#ffd370',
    'editorWidget-background': '#0c141f',
    focusBorder: '#f38518',
    foreground: '#ffffff',
    'list-hoverBackground': 'rgba(255, 255, 255, 0.1)',
    'progressBar-background': '#6fc3df',
    'textLink-foreground': '#21a6ff',
    'widget-border': '#6fc3df',
  },
};

/** Light High Contrast. */
const highContrastLight: Theme = {
  name: 'contrast-light',
  kind: 'vscode-high-contrast-light',
  colours: {
    ...fonts,
    'button-background': '#0f4a85',
    'button-border': '#0f4a85',
    'button-foreground': '#ffffff',
    'button-hoverBackground': '#0f4a85',
    'button-secondaryBackground': '#ffffff',
    'button-secondaryForeground': '#292929',
    'charts-blue': '#0063d3',
    'charts-foreground': '#292929',
    'charts-green': '#374e06',
    'charts-lines': 'rgba(41, 41, 41, 0.5)',
    'charts-purple': '#652d90',
    'charts-red': '#b5200d',
    'charts-yellow': '#895503',
    'checkbox-background': '#ffffff',
    'checkbox-border': '#0f4a85',
    'checkbox-foreground': '#292929',
    contrastActiveBorder: '#006bbd',
    contrastBorder: '#0f4a85',
    descriptionForeground: 'rgba(41, 41, 41, 0.7)',
    disabledForeground: '#7f7f7f',
    'dropdown-background': '#ffffff',
    'dropdown-border': '#0f4a85',
    'dropdown-foreground': '#292929',
    'editor-background': '#ffffff',
    'editor-foreground': '#292929',
    'editorError-foreground': '#b5200d',
    'editorIndentGuide-background1': '#cccccc',
    'editorInfo-foreground': '#0063d3',
    'editorWarning-foreground': '#895503',
    'editorWidget-background': '#ffffff',
    focusBorder: '#006bbd',
    foreground: '#292929',
    'list-activeSelectionBackground': 'rgba(15, 74, 133, 0.1)',
    'list-hoverBackground': 'rgba(15, 74, 133, 0.1)',
    'list-inactiveSelectionBackground': 'rgba(15, 74, 133, 0.1)',
    'progressBar-background': '#0f4a85',
    'textLink-foreground': '#0f4a85',
    'widget-border': '#0f4a85',
  },
};

/** What VS Code puts before a webview's own styles, as far as it bears on the layout. */
export const defaultStyle = `@layer vscode-default {
  body { overscroll-behavior-x: none; background-color: transparent; margin: 0; padding: 0 20px; }
  img, video { max-width: 100%; max-height: 100%; }
  code { padding: 1px 3px; border-radius: 4px; }
  ::-webkit-scrollbar { width: 10px; height: 10px; }
}`;

export const themes: readonly [Theme, ...Theme[]] = [dark, light, highContrast, highContrastLight];
