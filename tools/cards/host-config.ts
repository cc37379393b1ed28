// How Teams draws cards, as near as is known: sizes, colours and the tints of its containers, by theme.

const colors = {
  light: {
    page: '#f5f5f5',
    card: '#ffffff',
    border: '#e0e0e0',
    input: '#ffffff',
    text: ['#242424', '#616161'],
    accent: '#5b5fc7',
    good: '#237b4b',
    warning: '#8a5a00',
    attention: '#c4314b',
    tints: {
      emphasis: '#f5f5f5',
      accent: '#e8ebfa',
      good: '#e7f2da',
      warning: '#fbf6d9',
      attention: '#fcf0f2',
    },
  },
  dark: {
    page: '#1f1f1f',
    card: '#292929',
    border: '#3d3d3d',
    input: '#1f1f1f',
    text: ['#ffffff', '#adadad'],
    accent: '#a6a7dc',
    good: '#92c353',
    warning: '#f2c661',
    attention: '#f1707b',
    tints: {
      emphasis: '#1f1f1f',
      accent: '#2f2f4a',
      good: '#1b2e12',
      warning: '#3a2e0f',
      attention: '#3b1a20',
    },
  },
} as const

export type Theme = keyof typeof colors

const shade = (color: string, subtle: string = color) => ({ default: color, subtle })

function foreground(theme: Theme) {
  const { text, accent, good, warning, attention } = colors[theme]
  return {
    default: shade(text[0], text[1]),
    dark: shade(text[0]),
    light: shade(text[1]),
    accent: shade(accent),
    good: shade(good),
    warning: shade(warning),
    attention: shade(attention),
  }
}

/** The HostConfig of the `adaptivecards` renderer for one theme. */
export function hostConfig(theme: Theme): object {
  const { card, border, tints } = colors[theme]
  const style = (backgroundColor: string) => ({ backgroundColor, foregroundColors: foreground(theme) })
  return {
    fontFamily: '"Segoe UI", "Liberation Sans", sans-serif',
    supportsInteractivity: true,
    spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
    separator: { lineThickness: 1, lineColor: border },
    fontTypes: {
      default: {
        fontFamily: '"Segoe UI", "Liberation Sans", sans-serif',
        fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
        fontWeights: { lighter: 200, default: 400, bolder: 600 },
      },
      monospace: {
        fontFamily: 'Consolas, "Liberation Mono", monospace',
        fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
        fontWeights: { lighter: 200, default: 400, bolder: 600 },
      },
    },
    containerStyles: {
      default: style(card),
      emphasis: style(tints.emphasis),
      accent: style(tints.accent),
      good: style(tints.good),
      warning: style(tints.warning),
      attention: style(tints.attention),
    },
    inputs: {
      label: {
        inputSpacing: 'small',
        requiredInputs: { weight: 'default' },
        optionalInputs: { weight: 'default' },
      },
    },
    actions: {
      maxActions: 6,
      spacing: 'default',
      buttonSpacing: 0,
      actionsOrientation: 'horizontal',
      actionAlignment: 'left',
    },
    textBlock: { headingLevel: 2 },
    adaptiveCard: { allowCustomStyle: true },
  }
}

/** What a HostConfig cannot say: buttons, inputs, and the frame of the message. */
export function styleSheet(theme: Theme): string {
  const { page, card, border, input, text, accent } = colors[theme]
  return `
    body { margin: 0; padding: 12px; background: ${page}; }
    #card { background: ${card}; border: 1px solid ${border}; border-radius: 6px; overflow: hidden; }
    #card p { margin: 0; }
    #card a { color: ${accent}; }
    .ac-actionSet { flex-wrap: wrap; gap: 8px; }
    .ac-pushButton {
      font: 600 14px "Segoe UI", "Liberation Sans", sans-serif; color: ${text[0]}; background: ${card};
      border: 1px solid ${border}; border-radius: 4px; padding: 5px 12px; min-height: 32px;
    }
    .ac-pushButton.style-positive { background: #5b5fc7; border-color: #5b5fc7; color: #fff; }
    .ac-input {
      font: 14px "Segoe UI", "Liberation Sans", sans-serif; color: ${text[0]}; background: ${input};
      border: 1px solid ${border}; border-radius: 4px; padding: 6px 10px; box-sizing: border-box; width: 100%;
    }
    .ac-input.ac-multiline { min-height: 52px; resize: none; }
    .ac-input::placeholder { color: ${text[1]}; }
    .ac-selectable { cursor: pointer; }
  `
}
