//! The JSONPath of a batch transform's filters: the subset of the language that SageMaker supports.
//!
//! docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html lists the operators and links Jayway's
//! JsonPath, which decides where the page is silent: the end of a slice is exclusive, although the page once says
//! otherwise; several names of one object give an object, several elements a list. Refusals use the service's wording
//! (aws/aws-sdk#184, aws/sagemaker-python-sdk#1112). Unlike the service in 2022 names may have an underscore.

use byoc_formats::media_types::MediaType;

/// The most characters of a filter (the shape `JsonPath` of botocore).
const MAX_LENGTH: usize = 63;

/// A filter, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    text: String,
    steps: Vec<Step>,
}

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `.name` or `['name']`.
    Name(String),
    /// `['a','b']`.
    Names(Vec<String>),
    /// `[*]` or `.*`.
    All,
    /// `[i]`; negative from the end.
    Index(i64),
    /// `[i,j]`.
    Indices(Vec<i64>),
    /// `[s:e]`, either of which may be missing.
    Slice(Option<i64>, Option<i64>),
}

/// The selected elements: one element or a list of them.
pub(super) enum Selected {
    One(usize),
    List(Vec<usize>),
}

impl Path {
    /// The path as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The path that selects everything.
    pub(super) fn root() -> Path {
        Path { text: "$".to_owned(), steps: Vec::new() }
    }

    /// Parses the filter `member` (`InputFilter` or `OutputFilter`) for records of a media type.
    ///
    /// # Errors
    /// Why the service would refuse it.
    pub(super) fn parse(member: &str, text: &str, media_type: MediaType) -> Result<Path, String> {
        if text.chars().count() > MAX_LENGTH {
            return Err(format!("Invalid {member}: \"{text}\". It is longer than {MAX_LENGTH} characters"));
        }
        let mut parser = Parser { member, text, media_type, rest: text };
        parser.expect('$')?;
        let mut steps = Vec::new();
        while !parser.rest.is_empty() {
            steps.push(parser.step()?);
        }
        if media_type == MediaType::Csv && steps.len() > 1 {
            return Err(format!(
                "Invalid {member}: \"{text}\". A record of text/csv is a flat list: give one [...] only"
            ));
        }
        Ok(Path { text: text.to_owned(), steps })
    }

    /// Whether this is `$`, which selects everything.
    pub(super) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The path as it was given.
    pub(super) fn as_written(&self) -> &str {
        &self.text
    }
}

impl Step {
    /// Which of `count` elements this step selects; `None` for a step that selects by name.
    ///
    /// # Errors
    /// An index that is out of range. Slices are clipped.
    pub(super) fn select(&self, count: usize) -> Result<Option<Selected>, String> {
        let element = |index: i64| {
            let from_start = if index < 0 { index.checked_add_unsigned(count as u64) } else { Some(index) };
            from_start
                .and_then(|index| usize::try_from(index).ok())
                .filter(|index| *index < count)
                .ok_or_else(|| format!("[{index}] is beyond the {count} elements of the record"))
        };
        let bound = |bound: Option<i64>, default: usize| match bound {
            None => default,
            Some(bound) if bound < 0 => count.saturating_sub(usize::try_from(bound.unsigned_abs()).unwrap_or(count)),
            Some(bound) => usize::try_from(bound).unwrap_or(count).min(count),
        };
        Ok(Some(match self {
            Step::Name(_) | Step::Names(_) => return Ok(None),
            Step::All => Selected::List((0..count).collect()),
            Step::Index(index) => Selected::One(element(*index)?),
            Step::Indices(indices) => {
                Selected::List(indices.iter().map(|index| element(*index)).collect::<Result<_, _>>()?)
            }
            Step::Slice(start, end) => Selected::List((bound(*start, 0)..bound(*end, count)).collect()),
        }))
    }
}

struct Parser<'a> {
    member: &'a str,
    text: &'a str,
    media_type: MediaType,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn invalid(&self, why: impl std::fmt::Display) -> String {
        format!("Invalid {}: \"{}\". {why}", self.member, self.text)
    }

    /// The service's own message for an unexpected character.
    fn unexpected(&self, found: Option<char>) -> String {
        let operators = match self.media_type {
            MediaType::Csv => "['$', '[', ']', '*', ' ', ',', ':', '-']",
            _ => "['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']",
        };
        let found = match found {
            Some(character) => format!("Unexpected \"{character}\" in JsonPath."),
            None => "Unexpected end of JsonPath.".to_owned(),
        };
        self.invalid(format_args!("{found} Supported operators for \"{}\" are {operators}", self.media_type.name()))
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, character: char) -> Result<(), String> {
        if self.take(character) { Ok(()) } else { Err(self.unexpected(self.peek())) }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn has_names(&self) -> bool {
        self.media_type != MediaType::Csv
    }

    fn step(&mut self) -> Result<Step, String> {
        if self.has_names() && self.take('.') {
            if self.take('*') {
                return Ok(Step::All);
            }
            // The guide has `$.field1.['child1','child2']`: the dot changes nothing.
            if self.peek() == Some('[') {
                return self.bracket();
            }
            let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            if name.is_empty() {
                return Err(self.unexpected(self.peek()));
            }
            self.rest = rest;
            return Ok(Step::Name(name.to_owned()));
        }
        self.bracket()
    }

    /// `[…]`.
    fn bracket(&mut self) -> Result<Step, String> {
        self.expect('[')?;
        let inside = self.rest;
        self.skip_spaces();
        let step = match self.peek() {
            Some('*') => {
                self.take('*');
                Step::All
            }
            Some('\'') if self.has_names() => self.names()?,
            _ => self.numbers(inside)?,
        };
        self.skip_spaces();
        self.expect(']')?;
        Ok(step)
    }

    /// `'a','b'`.
    fn names(&mut self) -> Result<Step, String> {
        let mut names = Vec::new();
        loop {
            self.skip_spaces();
            self.expect('\'')?;
            let Some((name, rest)) = self.rest.split_once('\'') else { return Err(self.unexpected(None)) };
            self.rest = rest;
            names.push(name.to_owned());
            self.skip_spaces();
            if !self.take(',') {
                break;
            }
        }
        Ok(match names.as_mut_slice() {
            [name] => Step::Name(std::mem::take(name)),
            _ => Step::Names(names),
        })
    }

    /// `i`, `i,j` or `s:e`. `inside` is the text after the bracket.
    fn numbers(&mut self, inside: &'a str) -> Result<Step, String> {
        let mut numbers = Vec::new();
        let (mut ranges, mut commas) = (0, 0);
        let mut open = true;
        loop {
            self.skip_spaces();
            match self.peek() {
                Some('-' | '0'..='9') if open => {
                    numbers.push(Some(self.number()?));
                    open = false;
                }
                Some(':') => {
                    if open {
                        numbers.push(None);
                    }
                    self.take(':');
                    ranges += 1;
                    open = true;
                }
                Some(',') if !open || ranges > 0 => {
                    self.take(',');
                    commas += 1;
                    open = true;
                }
                Some(']') => break,
                other => return Err(self.unexpected(other)),
            }
        }
        match (ranges, commas) {
            (0, 0) | (0, _) if open => Err(self.unexpected(Some(']'))),
            (0, 0) => Ok(numbers.first().copied().flatten().map_or(Step::All, Step::Index)),
            (0, _) => Ok(Step::Indices(numbers.into_iter().flatten().collect())),
            (1, 0) => Ok(Step::Slice(numbers.first().copied().flatten(), numbers.get(1).copied().flatten())),
            _ => {
                let format = inside.split_inclusive(']').next().unwrap_or(inside);
                Err(format!(
                    "Invalid JsonPath: {}: only single range filters of format (eg: [1:5]) are supported. Format \
                     [{format} is not supported",
                    self.text
                ))
            }
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self.rest.get(sign..).unwrap_or_default();
        let end = sign + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let (number, rest) = self.rest.split_at(end);
        let parsed = number.parse().map_err(|_| self.unexpected(number.chars().last()))?;
        self.rest = rest;
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Step> {
        Path::parse("InputFilter", text, MediaType::JsonLines).unwrap_or_else(|error| panic!("{error}")).steps
    }

    fn refusal(text: &str, media_type: MediaType) -> String {
        Path::parse("OutputFilter", text, media_type).unwrap_err()
    }

    #[test]
    fn the_examples_of_the_developer_guide_are_read() {
        let name = |name: &str| Step::Name(name.to_owned());
        for (text, expected) in [
            ("$", vec![]),
            ("$[1:]", vec![Step::Slice(Some(1), None)]),
            ("$[:4]", vec![Step::Slice(None, Some(4))]),
            ("$[1:4]", vec![Step::Slice(Some(1), Some(4))]),
            ("$[-5:]", vec![Step::Slice(Some(-5), None)]),
            ("$[:]", vec![Step::Slice(None, None)]),
            ("$[0]", vec![Step::Index(0)]),
            ("$[0,-1]", vec![Step::Indices(vec![0, -1])]),
            ("$[ 0 , 5 ]", vec![Step::Indices(vec![0, 5])]),
            ("$.features", vec![name("features")]),
            ("$['features']", vec![name("features")]),
            ("$['id','SageMakerOutput']", vec![Step::Names(vec!["id".into(), "SageMakerOutput".into()])]),
            ("$['account_id', 'a b']", vec![Step::Names(vec!["account_id".into(), "a b".into()])]),
            ("$.id.*", vec![name("id"), Step::All]),
            ("$.field1.['child1','child2']", vec![name("field1"), Step::Names(vec!["child1".into(), "child2".into()])]),
            ("$[*].a_b[2]", vec![Step::All, name("a_b"), Step::Index(2)]),
        ] {
            assert_eq!(steps(text), expected, "{text}");
        }
    }

    #[test]
    fn refusals_use_the_wording_of_the_service() {
        assert_eq!(
            refusal("$['account#id','SageMakerOutput'", MediaType::JsonLines),
            "Invalid OutputFilter: \"$['account#id','SageMakerOutput'\". Unexpected end of JsonPath. Supported \
             operators for \"application/jsonlines\" are ['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']"
        );
        assert_eq!(
            refusal("$.a#b", MediaType::JsonLines),
            "Invalid OutputFilter: \"$.a#b\". Unexpected \"#\" in JsonPath. Supported operators for \
             \"application/jsonlines\" are ['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']"
        );
        assert_eq!(
            refusal("$[0:2,246:]", MediaType::Csv),
            "Invalid JsonPath: $[0:2,246:]: only single range filters of format (eg: [1:5]) are supported. Format \
             [0:2,246:] is not supported"
        );
        for text in ["$[0,5:]", "$[1:2:3]", "$[::]"] {
            assert!(refusal(text, MediaType::Csv).contains("only single range filters"), "{text}");
        }
        for text in
            ["", "features", "$x", "$.", "$[", "$[]", "$[1", "$[1,]", "$[,1]", "$[1 2]", "$[--1]", "$[-]", "$[a]"]
        {
            assert!(refusal(text, MediaType::JsonLines).contains("Unexpected"), "{text}");
        }
        for text in ["$['a", "$['a'", "$['a',]", "$['a',1]", "$[1,'a']", "$..a", "$[?(@.a)]"] {
            assert!(refusal(text, MediaType::JsonLines).contains("Unexpected"), "{text}");
        }
        for text in ["$.a", "$['a']", "$.*"] {
            assert!(refusal(text, MediaType::Csv).contains("Supported operators for \"text/csv\""), "{text}");
        }
        assert!(refusal("$[0][1]", MediaType::Csv).contains("flat list"));
        let long = format!("$.{}", "a".repeat(61));
        assert_eq!(steps(&long).len(), 1);
        assert!(refusal(&format!("{long}a"), MediaType::Json).contains("longer than 63 characters"));
    }

    #[test]
    fn negative_numbers_count_from_the_end_and_the_end_of_a_slice_is_exclusive() {
        let select = |text: &str, count| match steps(text)[0].select(count) {
            Ok(Some(Selected::One(index))) => Ok(vec![index]),
            Ok(Some(Selected::List(list))) => Ok(list),
            Ok(None) => panic!("{text} wants names"),
            Err(error) => Err(error),
        };
        for (text, expected) in [
            ("$[1:4]", vec![1, 2, 3]),
            ("$[1:]", vec![1, 2, 3, 4]),
            ("$[:2]", vec![0, 1]),
            ("$[-2:]", vec![3, 4]),
            ("$[:-1]", vec![0, 1, 2, 3]),
            ("$[3:99]", vec![3, 4]),
            ("$[-99:1]", vec![0]),
            ("$[4:2]", vec![]),
            ("$[0,-1]", vec![0, 4]),
            ("$[-1]", vec![4]),
            ("$[*]", vec![0, 1, 2, 3, 4]),
        ] {
            assert_eq!(select(text, 5), Ok(expected), "{text}");
        }
        assert_eq!(select("$[5]", 5), Err("[5] is beyond the 5 elements of the record".to_owned()));
        assert_eq!(select("$[0,-6]", 5), Err("[-6] is beyond the 5 elements of the record".to_owned()));
    }
}
