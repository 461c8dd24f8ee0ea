//! IAM's patterns: `*` for any run of characters, `?` for one, and `${…}` for a value of the request.
//!
//! docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html has the wildcards (`*` also
//! matches `/` and, in a resource, over `:` as well), …/reference_policies_variables.html the variables.

use std::borrow::Cow;

use super::context::{Context, Key};
use super::document::Findings;

/// The language of a policy. Variables came with the second one; before, `${` is text like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 2008-10-17: also that of a policy that names none.
    Version2008,
    /// 2012-10-17.
    Version2012,
}

/// Whether `A` is `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Ignored,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Character(char),
    AnyCharacter,
    AnyRun,
    /// Boxed, so that the many characters beside it stay small.
    Variable(Box<Variable>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    key: Key,
    default: Option<String>,
}

/// A pattern that is matched against a whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    /// A pattern in which `*` and `?` match other characters.
    ///
    /// # Errors
    /// If a variable is invalid.
    pub(super) fn with_wildcards(text: &str, version: Version) -> Result<Pattern, String> {
        Pattern::parse(text, version, |character| match character {
            '*' => Token::AnyRun,
            '?' => Token::AnyCharacter,
            other => Token::Character(other),
        })
    }

    /// A pattern in which `*` and `?` are ordinary characters.
    ///
    /// # Errors
    /// If a variable is invalid.
    pub(super) fn literal(text: &str, version: Version) -> Result<Pattern, String> {
        Pattern::parse(text, version, Token::Character)
    }

    fn parse(text: &str, version: Version, token: impl Fn(char) -> Token) -> Result<Pattern, String> {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            match rest.strip_prefix("${") {
                Some(inside) if version == Version::Version2012 => {
                    let (variable, after) = inside
                        .split_once('}')
                        .ok_or_else(|| format!("\"{text}\": the variable that ${{ begins is never closed by }}"))?;
                    tokens.push(variable_token(variable).map_err(|problem| format!("\"{text}\": {problem}"))?);
                    rest = after;
                }
                _ => {
                    tokens.push(token(character));
                    rest = rest.get(character.len_utf8()..).unwrap_or_default();
                }
            }
        }
        Ok(Pattern(tokens))
    }

    /// The same pattern for an ARN, with `*` for each of the six fields that is missing: IAM completes
    /// `arn:aws:sagemaker` to `arn:aws:sagemaker:*:*:*` (docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
    pub(super) fn completed_to_an_arn(mut self) -> Pattern {
        let colons = self.0.iter().filter(|token| **token == Token::Character(':')).count();
        for _ in colons..5 {
            self.0.extend([Token::Character(':'), Token::AnyRun]);
        }
        self
    }

    /// The patterns of an ARN's six fields; `None` if there are fewer.
    pub(super) fn into_arn_fields(self) -> Option<[Pattern; 6]> {
        let mut fields = self.0.splitn(6, |token| *token == Token::Character(':'));
        let mut next = || Some(Pattern(fields.next()?.to_vec()));
        Some([next()?, next()?, next()?, next()?, next()?, next()?])
    }

    /// The keys of its variables.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.iter().filter_map(|token| match token {
            Token::Variable(variable) => Some(&variable.key),
            _ => None,
        })
    }

    /// Whether the whole text matches. With a variable that has no value, nothing does: "there is no equal or like
    /// value". So a negated operator does match then, and NotResource excludes nothing. That may allow more than the
    /// policy's author intended, but it is what AWS does: "inverted condition operators like StringNotEquals or
    /// StringNotLike do match against a null value", and "the resource that includes a policy variable with no value
    /// will not match any resource" (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html,
    /// "Policy variables with no value"). A warning is logged for variables that no request to this endpoint can have a
    /// value for.
    pub(super) fn matches(&self, text: &str, case: Case, context: &Context<'_>) -> bool {
        self.resolved(context).is_some_and(|tokens| matches(&tokens, text, case))
    }

    /// The tokens with the values of the variables in their places. A `*` within a value is not a wildcard.
    fn resolved(&self, context: &Context<'_>) -> Option<Cow<'_, [Token]>> {
        if self.keys().next().is_none() {
            return Some(Cow::Borrowed(&self.0));
        }
        let mut tokens = Vec::with_capacity(self.0.len());
        for token in &self.0 {
            match token {
                Token::Variable(variable) => {
                    let value = context.value(&variable.key).or(variable.default.as_deref())?;
                    tokens.extend(value.chars().map(Token::Character));
                }
                other => tokens.push(other.clone()),
            }
        }
        Some(Cow::Owned(tokens))
    }
}

impl Findings {
    /// Warns of a pattern whose variables can have no effect.
    pub(super) fn warn_of_variables(&mut self, path: &str, text: &str, pattern: &Pattern, version: Version) {
        if version == Version::Version2008 && text.contains("${") {
            self.warning(path, "variables are text like any other, unless Version is 2012-10-17");
        }
        if pattern.keys().any(|key| !key.is_known()) {
            self.warning(
                path,
                "no request to this endpoint has a value for a variable in it; without one it never matches",
            );
        }
    }
}

/// Parses the text between `${` and `}`: a key, a key with a default (`aws:PrincipalTag/team, 'all'`), or one of the
/// three characters that would otherwise be special.
fn variable_token(inside: &str) -> Result<Token, String> {
    match inside {
        "*" => return Ok(Token::Character('*')),
        "?" => return Ok(Token::Character('?')),
        "$" => return Ok(Token::Character('$')),
        _ => {}
    }
    let (name, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((name, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|default| default.strip_suffix('\''));
            let default = quoted.ok_or_else(|| format!("the default of ${{{inside}}} must stand in single quotes"))?;
            (name, Some(default.to_owned()))
        }
    };
    Ok(Token::Variable(Box::new(Variable { key: Key::parse(name.trim())?, default })))
}

/// At a mismatch, the last `*` consumes one more character and matching continues
/// behind it: at most pattern × text steps, without allocation.
fn matches(tokens: &[Token], text: &str, case: Case) -> bool {
    let (mut tokens, mut text) = (tokens, text);
    let mut behind_the_last_run: Option<(&[Token], &str)> = None;
    loop {
        let mut characters = text.chars();
        match (tokens.split_first(), characters.next()) {
            (None, None) => return true,
            (Some((Token::AnyRun, rest)), _) => {
                behind_the_last_run = Some((rest, text));
                tokens = rest;
            }
            (Some((token, rest)), Some(character)) if takes(token, character, case) => {
                tokens = rest;
                text = characters.as_str();
            }
            _ => {
                let Some((behind, from)) = behind_the_last_run else { return false };
                let mut characters = from.chars();
                if characters.next().is_none() {
                    return false;
                }
                behind_the_last_run = Some((behind, characters.as_str()));
                tokens = behind;
                text = characters.as_str();
            }
        }
    }
}

fn takes(token: &Token, character: char, case: Case) -> bool {
    match token {
        Token::Character(expected) => {
            *expected == character || (case == Case::Ignored && expected.to_lowercase().eq(character.to_lowercase()))
        }
        Token::AnyCharacter => true,
        Token::AnyRun | Token::Variable(_) => false,
    }
}

#[cfg(test)]
#[path = "pattern_test.rs"]
mod tests;
