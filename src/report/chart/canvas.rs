//! A canvas of panels: the few marks that every chart of the report is made of.

use plotters::{
    coord::{Shift, types::RangedCoordf64},
    drawing::DrawingAreaErrorKind,
    element::{Circle, EmptyElement, PathElement, Polygon, Rectangle, Text},
    prelude::{Cartesian2d, DrawingArea, IntoDrawingArea, SVGBackend},
    style::{
        Color, FontStyle, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{compact::compact, palette::Ink};

/// Units of the SVG in a design pixel.
const FINE: i32 = 4;
/// Font size of axis and mark labels, in design pixels.
const LETTER: f64 = 12.0;
/// plotters divides a font's size by this before it writes it.
const PLOTTERS_EM: f64 = 1.24;

/// What drawing may say; writing to a string does not fail in practice.
pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Which side of its point a text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
    Middle,
}

/// A blank chart of a given size.
pub(crate) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// A rectangle of the canvas (design pixels) with its own scales.
pub(crate) struct Panel<'a> {
    area: DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    pub x: (f64, f64),
    pub y: (f64, f64),
}

/// Draws a chart of `width` by `height` design pixels and gives its SVG, named `title`.
pub(crate) fn draw(
    (width, height): (u32, u32),
    title: &str,
    paint: impl FnOnce(&Canvas<'_>) -> Drawn,
) -> Result<String, super::super::Error> {
    let size = (width * FINE as u32, height * FINE as u32);
    let mut svg = String::new();
    {
        let canvas = Canvas { area: SVGBackend::with_string(&mut svg, size).into_drawing_area() };
        paint(&canvas)
            .and_then(|()| canvas.area.present())
            .map_err(|fault| super::super::Error::Chart(fault.to_string()))?;
    }
    Ok(compact(&svg, title, size.0, size.1))
}

impl<'a> Canvas<'a> {
    /// A panel from `(left, top)` to `(right, bottom)`; `x` and `y` are the values at its edges.
    pub fn panel(&self, (left, top, right, bottom): (i32, i32, i32, i32), x: (f64, f64), y: (f64, f64)) -> Panel<'a> {
        let widen = |(a, b): (f64, f64)| if (b - a).abs() < 1e-12 { (a - 0.5, b + 0.5) } else { (a, b) };
        let (x, y) = (widen(x), widen(y));
        let pixels = (left * FINE..right * FINE, bottom * FINE..top * FINE);
        let spec = Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(x.0..x.1, y.0..y.1, pixels);
        Panel { area: self.area.clone().apply_coord_spec(spec), x, y }
    }
}

fn stroke(ink: Ink, opacity: f64, width: f64) -> ShapeStyle {
    ShapeStyle { color: ink.rgb().mix(opacity), filled: false, stroke_width: (width * f64::from(FINE)) as u32 }
}

fn fill(ink: Ink, opacity: f64) -> ShapeStyle {
    ShapeStyle { color: ink.rgb().mix(opacity), filled: true, stroke_width: 0 }
}

impl Panel<'_> {
    /// A broken line through points.
    pub fn path(&self, points: Vec<(f64, f64)>, ink: Ink, width: f64) -> Drawn {
        self.area.draw(&PathElement::new(points, stroke(ink, 1.0, width)))
    }

    /// A line that breaks where a value is missing; a value alone between two gaps becomes a dot.
    pub fn line(&self, points: &[(f64, Option<f64>)], ink: Ink, width: f64) -> Drawn {
        for run in points.split(|(_, y)| y.is_none()) {
            let run: Vec<_> = run.iter().filter_map(|(x, y)| y.map(|y| (*x, y))).collect();
            match run.as_slice() {
                [] => {}
                [(x, y)] => self.dot(*x, *y, ink, width + 0.5)?,
                _ => self.path(run, ink, width)?,
            }
        }
        Ok(())
    }

    /// The area between two lines.
    pub fn band(&self, points: &[(f64, f64, f64)], ink: Ink) -> Drawn {
        let upper = points.iter().map(|(x, _, high)| (*x, *high));
        let lower = points.iter().rev().map(|(x, low, _)| (*x, *low));
        self.area.draw(&Polygon::new(upper.chain(lower).collect::<Vec<_>>(), fill(ink, 0.14)))
    }

    /// A filled rectangle.
    pub fn bar(&self, from: (f64, f64), to: (f64, f64), ink: Ink) -> Drawn {
        self.area.draw(&Rectangle::new([from, to], fill(ink, 1.0)))
    }

    /// A filled dot; `radius` in design pixels.
    pub fn dot(&self, x: f64, y: f64, ink: Ink, radius: f64) -> Drawn {
        self.area.draw(&Circle::new((x, y), (radius * f64::from(FINE)) as i32, fill(ink, 1.0)))
    }

    /// A translucent dot, for clouds.
    pub fn faint_dot(&self, x: f64, y: f64, ink: Ink, radius: f64) -> Drawn {
        self.area.draw(&Circle::new((x, y), (radius * f64::from(FINE)) as i32, fill(ink, 0.35)))
    }

    /// A dot with its interval along the x axis, `dy` design pixels below `y`.
    pub fn whisker_x(&self, y: f64, dy: i32, low: f64, point: f64, high: f64, ink: Ink) -> Drawn {
        let shift = dy * FINE;
        let scale = |x: f64| self.area.map_coordinate(&(x, y)).0 - self.area.map_coordinate(&(point, y)).0;
        let line = PathElement::new(vec![(scale(low), shift), (scale(high), shift)], stroke(ink, 0.55, 2.5));
        self.area.draw(&(EmptyElement::at((point, y)) + line + Circle::new((0, shift), 7 * FINE / 2, fill(ink, 1.0))))
    }

    /// A dot with its interval along the y axis.
    pub fn whisker_y(&self, x: f64, low: f64, point: f64, high: f64, ink: Ink) -> Drawn {
        self.area.draw(&PathElement::new(vec![(x, low), (x, high)], stroke(ink, 0.55, 2.0)))?;
        self.dot(x, point, ink, 3.5)
    }

    /// A text `(dx, dy)` design pixels away from a point.
    pub fn text(&self, at: (f64, f64), (dx, dy): (i32, i32), words: &str, ink: Ink, side: Side) -> Drawn {
        self.write(at, (dx, dy), words, ink, side, FontStyle::Normal)
    }

    /// The same in bold.
    pub fn bold(&self, at: (f64, f64), (dx, dy): (i32, i32), words: &str, ink: Ink, side: Side) -> Drawn {
        self.write(at, (dx, dy), words, ink, side, FontStyle::Bold)
    }

    fn write(&self, at: (f64, f64), (dx, dy): (i32, i32), words: &str, ink: Ink, side: Side, face: FontStyle) -> Drawn {
        let horizontal = match side {
            Side::Left => HPos::Right,
            Side::Right => HPos::Left,
            Side::Middle => HPos::Center,
        };
        let size = LETTER * f64::from(FINE) * PLOTTERS_EM;
        let colour = ink.rgb();
        let style = TextStyle::from(("sans-serif", size, face)).color(&colour).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw(&(EmptyElement::at(at) + Text::new(words.to_owned(), (dx * FINE, dy * FINE), style)))
    }

    /// Horizontal grid lines with their labels at the left.
    pub fn grid_y(&self, ticks: &[(f64, String)]) -> Drawn {
        for (y, label) in ticks {
            self.path(vec![(self.x.0, *y), (self.x.1, *y)], Ink::Grid, 1.0)?;
            self.text((self.x.0, *y), (-8, 0), label, Ink::Muted, Side::Left)?;
        }
        Ok(())
    }

    /// Vertical grid lines with their labels below.
    pub fn grid_x(&self, ticks: &[(f64, String)]) -> Drawn {
        for (x, label) in ticks {
            self.path(vec![(*x, self.y.0), (*x, self.y.1)], Ink::Grid, 1.0)?;
            self.text((*x, self.y.0), (0, 14), label, Ink::Muted, Side::Middle)?;
        }
        Ok(())
    }

    /// Tick marks with their labels below the panel.
    pub fn ticks_x(&self, ticks: &[(f64, String)]) -> Drawn {
        let foot = self.area.map_coordinate(&(self.x.0, self.y.0));
        for (x, label) in ticks {
            let mark = PathElement::new(vec![(0, 0), (0, 4 * FINE)], stroke(Ink::Null, 1.0, 1.0));
            self.area.draw(&(EmptyElement::at((*x, self.y.0)) + mark))?;
            let left = self.area.map_coordinate(&(*x, self.y.0)).0 - foot.0;
            let side = if left < 8 * FINE { Side::Right } else { Side::Middle };
            self.text((*x, self.y.0), (0, 15), label, Ink::Muted, side)?;
        }
        Ok(())
    }

    /// The foot of the panel.
    pub fn foot(&self) -> Drawn {
        self.path(vec![(self.x.0, self.y.0), (self.x.1, self.y.0)], Ink::Null, 1.0)
    }

    /// Height of a point above the panel's foot, in design pixels.
    pub fn height_of(&self, y: f64) -> i32 {
        (self.area.map_coordinate(&(self.x.0, self.y.0)).1 - self.area.map_coordinate(&(self.x.0, y)).1) / FINE
    }
}
