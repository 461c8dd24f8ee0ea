//! The rows of the table of settings.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use super::description::{Arity, Default, Description, Flag};
use super::parse::boolean;
use super::problems::{InvalidValue, Problems};
use super::raw::{Group, RawSettings};
use super::source::Source;

/// A row of the table, or several rows that are read together.
pub(in crate::cli) trait Row {
    /// The type of the value.
    type Value;

    /// Reads the value, and reports problems with it.
    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> Self::Value;

    /// The descriptions for the help and the reference.
    fn descriptions(&self) -> Vec<Description>;
}

/// The parser of a setting.
enum Parse<T> {
    Text(fn(&str) -> Result<T, InvalidValue>),
    /// The value includes its source.
    Sourced(fn(&str, Source) -> Result<T, InvalidValue>),
    Path(fn(&Path) -> Result<T, InvalidValue>),
}

/// A row with a flag and variables but without a parser.
pub(in crate::cli) struct Unparsed(Description);

/// A setting with a flag, such as `--port PORT`.
pub(in crate::cli) const fn flag(name: &'static str, placeholder: &'static str) -> Unparsed {
    unparsed(Some(Flag { name, placeholder, arity: Arity::One }))
}

/// A setting with a flag that takes no value, such as `--json`.
pub(in crate::cli) const fn switch(name: &'static str) -> Setting<bool, kind::Switch> {
    let Unparsed(description) = unparsed(Some(Flag { name, placeholder: "", arity: Arity::Switch }));
    Setting { description, parse: Parse::Text(boolean), kind: PhantomData }
}

/// A required argument without a flag.
pub(in crate::cli) const fn positional(name: &'static str) -> Setting<PathBuf, kind::Positional> {
    let Unparsed(mut description) = unparsed(Some(Flag { name, placeholder: name, arity: Arity::Positional }));
    description.is_path = true;
    Setting { description, parse: Parse::Path(super::parse::path), kind: PhantomData }
}

/// A setting without a flag. Its value is that of the first of these variables that is set.
pub(in crate::cli) const fn variables(variables: &'static [&'static str]) -> Unparsed {
    unparsed(None).variables(variables)
}

const fn unparsed(flag: Option<Flag>) -> Unparsed {
    Unparsed(Description {
        flag,
        variables: &[],
        default: Default::Nothing,
        heading: None,
        is_path: false,
        documentation: "",
    })
}

impl Unparsed {
    /// The first of these variables that is set applies if the flag is not given.
    pub(in crate::cli) const fn variables(mut self, variables: &'static [&'static str]) -> Unparsed {
        self.0.variables = variables;
        self
    }

    /// The heading of the flag in the help.
    pub(in crate::cli) const fn heading(mut self, heading: &'static str) -> Unparsed {
        self.0.heading = Some(heading);
        self
    }

    pub(in crate::cli) const fn parse<T>(
        self,
        parse: fn(&str) -> Result<T, InvalidValue>,
    ) -> Setting<T, kind::Optional> {
        Setting { description: self.0, parse: Parse::Text(parse), kind: PhantomData }
    }

    /// The parser also gets the flag or variable that the value comes from.
    pub(in crate::cli) const fn parse_sourced<T>(
        self,
        parse: fn(&str, Source) -> Result<T, InvalidValue>,
    ) -> Setting<T, kind::Optional> {
        Setting { description: self.0, parse: Parse::Sourced(parse), kind: PhantomData }
    }

    /// The value is a path, which may be non-Unicode.
    pub(in crate::cli) const fn parse_path<T>(
        mut self,
        parse: fn(&Path) -> Result<T, InvalidValue>,
    ) -> Setting<T, kind::Optional> {
        self.0.is_path = true;
        Setting { description: self.0, parse: Parse::Path(parse), kind: PhantomData }
    }
}

/// The kind of a row, which determines the type of its value.
pub(in crate::cli) mod kind {
    /// `Option<T>`.
    #[derive(Debug)]
    pub(in crate::cli) enum Optional {}
    /// `T`: the row has a default.
    #[derive(Debug)]
    pub(in crate::cli) enum Defaulted {}
    /// `Option<Vec<T>>`: each value is parsed separately.
    #[derive(Debug)]
    pub(in crate::cli) enum Each {}
    /// `Option<T>`: all values are parsed as one text, joined by commas.
    #[derive(Debug)]
    pub(in crate::cli) enum Joined {}
    /// `bool`.
    #[derive(Debug)]
    pub(in crate::cli) enum Switch {}
    /// `PathBuf`.
    #[derive(Debug)]
    pub(in crate::cli) enum Positional {}
}

/// A row with values of type `T`.
pub(in crate::cli) struct Setting<T, K> {
    description: Description,
    parse: Parse<T>,
    kind: PhantomData<K>,
}

pub(in crate::cli) type Optional<T> = Setting<T, kind::Optional>;
pub(in crate::cli) type Defaulted<T> = Setting<T, kind::Defaulted>;
pub(in crate::cli) type Each<T> = Setting<T, kind::Each>;
pub(in crate::cli) type Joined<T> = Setting<T, kind::Joined>;
pub(in crate::cli) type Switch = Setting<bool, kind::Switch>;
pub(in crate::cli) type Positional = Setting<PathBuf, kind::Positional>;

impl<T, K> Setting<T, K> {
    pub(in crate::cli) const fn documented(mut self, documentation: &'static str) -> Setting<T, K> {
        self.description.documentation = documentation;
        self
    }

    pub(in crate::cli) const fn description(&self) -> Description {
        self.description
    }

    /// The flag with its hyphens.
    pub(in crate::cli) fn flag(&self) -> String {
        format!("--{}", self.description.flag.map_or("", |flag| flag.name))
    }

    const fn of_kind<L>(self, default: Default) -> Setting<T, L> {
        let Setting { mut description, parse, .. } = self;
        description.default = default;
        Setting { description, parse, kind: PhantomData }
    }

    fn parsed(&self, value: &OsStr, source: Source) -> Result<T, InvalidValue> {
        match self.parse {
            Parse::Path(parse) => parse(Path::new(value)),
            Parse::Text(parse) => parse(&value.to_string_lossy()),
            Parse::Sourced(parse) => parse(&value.to_string_lossy(), source),
        }
    }

    fn checked(&self, value: &OsStr, source: Source, problems: &mut Problems) -> Option<T> {
        self.parsed(value, source).map_err(|wrong| problems.add_invalid(&source, &value.to_string_lossy(), wrong)).ok()
    }

    fn one(&self, raw: &RawSettings, problems: &mut Problems) -> Option<T> {
        let (source, value) = raw.value(&self.description)?;
        self.checked(&value, source, problems)
    }
}

impl<T> Optional<T> {
    /// Sets the default, as a user would write it.
    pub(in crate::cli) const fn default(self, text: &'static str) -> Defaulted<T> {
        self.of_kind(Default::Value(text))
    }

    /// Describes the default. Code computes it.
    pub(in crate::cli) const fn otherwise(self, text: &'static str) -> Optional<T> {
        self.of_kind(Default::Otherwise(text))
    }

    /// The flag may be repeated. Each value is parsed separately. The variable has commas between values.
    pub(in crate::cli) const fn each(self) -> Each<T> {
        self.repeated()
    }

    /// The flag may be repeated. Its values are joined by commas, as in the variable, and parsed together.
    pub(in crate::cli) const fn joined(self) -> Joined<T> {
        self.repeated()
    }

    const fn repeated<L>(mut self) -> Setting<T, L> {
        if let Some(flag) = &mut self.description.flag {
            flag.arity = Arity::Repeated;
        }
        let default = self.description.default;
        self.of_kind(default)
    }
}

impl Switch {
    /// The switch can also be set by a variable.
    pub(in crate::cli) const fn variables(mut self, variables: &'static [&'static str]) -> Switch {
        self.description.variables = variables;
        self
    }
}

impl<T> Row for Optional<T> {
    type Value = Option<T>;

    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> Option<T> {
        self.one(raw, problems)
    }

    fn descriptions(&self) -> Vec<Description> {
        vec![self.description]
    }
}

impl<T> Row for Joined<T> {
    type Value = Option<T>;

    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> Option<T> {
        self.one(raw, problems)
    }

    fn descriptions(&self) -> Vec<Description> {
        vec![self.description]
    }
}

impl<T> Row for Defaulted<T> {
    type Value = T;

    /// Uses the default also for an invalid value, so that the other settings can be read. The command does not run
    /// then, because the problem is reported.
    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> T {
        self.one(raw, problems).unwrap_or_else(|| self.default_value())
    }

    fn descriptions(&self) -> Vec<Description> {
        vec![self.description]
    }
}

impl<T> Defaulted<T> {
    fn default_value(&self) -> T {
        let Default::Value(text) = self.description.default else { unreachable!("Optional::default sets a value") };
        self.parsed(OsStr::new(text), Source::Flag("")).unwrap_or_else(|wrong| {
            // A test parses the defaults of all commands.
            panic!("the default of {} is {text:?}: {wrong:?}", self.flag())
        })
    }
}

impl<T> Row for Each<T> {
    type Value = Option<Vec<T>>;

    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> Option<Vec<T>> {
        let (source, values) = raw.values(&self.description)?;
        if let (Source::Variable(_), [list]) = (source, values.as_slice()) {
            // Problems show the whole variable.
            let parsed =
                list.to_string_lossy().split(',').map(|one| self.parsed(OsStr::new(one.trim()), source)).collect();
            return match parsed {
                Ok(values) => Some(values),
                Err(wrong) => {
                    problems.add_invalid(&source, &list.to_string_lossy(), wrong);
                    None
                }
            };
        }
        let parsed: Vec<_> = values.iter().map(|value| self.checked(value, source, problems)).collect();
        parsed.into_iter().collect()
    }

    fn descriptions(&self) -> Vec<Description> {
        vec![self.description]
    }
}

impl Row for Switch {
    type Value = bool;

    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> bool {
        self.one(raw, problems).unwrap_or(false)
    }

    fn descriptions(&self) -> Vec<Description> {
        vec![self.description]
    }
}

impl Row for Positional {
    type Value = PathBuf;

    /// clap rejects command lines without the argument, so the default is never used.
    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> PathBuf {
        self.one(raw, problems).unwrap_or_default()
    }

    fn descriptions(&self) -> Vec<Description> {
        vec![self.description]
    }
}

/// The rows of a group, as a part of a command's rows.
pub(in crate::cli) struct Rows<G>(PhantomData<G>);

impl<G> Rows<G> {
    pub(in crate::cli) const ALL: Rows<G> = Rows(PhantomData);
}

impl<G: Group> Row for Rows<G> {
    type Value = G;

    fn read(&self, raw: &RawSettings, problems: &mut Problems) -> G {
        G::read(raw, problems)
    }

    fn descriptions(&self) -> Vec<Description> {
        G::descriptions()
    }
}

/// The rows of a group, as a part of a command's rows. The command reads them only if it needs them.
#[derive(Debug)]
pub(in crate::cli) struct Deferred<G>(PhantomData<G>);

impl<G: Group> Deferred<G> {
    pub(in crate::cli) const ALL: Deferred<G> = Deferred(PhantomData);

    /// Reads all rows, and reports all problems with them.
    pub(in crate::cli) fn read_now(&self, raw: &RawSettings, problems: &mut Problems) -> G {
        G::read(raw, problems)
    }
}

impl<G: Group> Row for Deferred<G> {
    type Value = Deferred<G>;

    fn read(&self, _: &RawSettings, _: &mut Problems) -> Deferred<G> {
        Deferred::ALL
    }

    fn descriptions(&self) -> Vec<Description> {
        G::descriptions()
    }
}
