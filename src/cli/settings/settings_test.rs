use clap::Command;

use super::description::Description;
use super::parse::{number, port, text};
use super::raw::{Group as _, RawSettings};
use super::row::{Defaulted, Each, Joined, Optional, Switch, flag, switch, variables};
use super::settings;
use crate::env::Environment;
use crate::error::{Cause, Result};

settings! {
    /// A command for these tests
    pub(in crate::cli) struct Example {
        /// Port to listen on
        ///
        /// Only the reference
        /// has this.
        port: Defaulted<u16> = flag("port", "PORT").variables(&["PORT"]).parse(port).default("8080");

        queue: Optional<u64> = flag("queue", "COUNT")
            .variables(&["QUEUE", "OLD_QUEUE"])
            .parse(|text| number(text, 1..=9))
            .otherwise("as long as needed")
            .documented("Length of the queue");

        /// A number
        number: Each<u64> = flag("number", "COUNT").variables(&["NUMBERS"]).parse(|text| number(text, 1..=9)).each();

        /// A name
        name: Joined<String> = flag("name", "NAME").variables(&["NAMES"]).parse(text).joined();

        /// Say more
        verbose: Switch = switch("verbose").variables(&["VERBOSE"]);

        /// A variable without a flag
        zone: Optional<String> = variables(&["ZONE"]).parse(text);
    }
}

fn read(line: &[&str], environment: impl Into<Environment>) -> Result<Example> {
    let command = Command::new("example").args_override_self(true);
    let arguments: Vec<_> = Example::descriptions().iter().filter_map(Description::argument).collect();
    let matches = command.args(arguments).get_matches_from([&["example"], line].concat());
    let (example, problems) = RawSettings::new(matches, environment.into()).read();
    problems.finish().map(|()| example)
}

#[test]
fn a_flag_wins_over_the_environment_and_an_earlier_variable_over_a_later_one() {
    let both = [("QUEUE", "1"), ("OLD_QUEUE", "2")];
    assert_eq!(read(&["--queue", "3"], both).unwrap().queue, Some(3));
    assert_eq!(read(&[], both).unwrap().queue, Some(1));
    assert_eq!(read(&[], [("OLD_QUEUE", "2"), ("QUEUE", " ")]).unwrap().queue, Some(2));
    assert_eq!(read(&[], Environment::default()).unwrap().queue, None);
}

#[test]
fn values_are_read_as_their_row_declares() {
    let example = read(&[], Environment::default()).unwrap();
    assert_eq!((example.port, example.number, example.name, example.verbose), (8080, None, None, false));
    let variables = [("NUMBERS", "1, 2"), ("NAMES", "a,b"), ("VERBOSE", "True"), ("ZONE", "z"), ("PORT", "1")];
    let example = read(&[], variables).unwrap();
    assert_eq!((example.port, example.number, example.verbose), (1, Some(vec![1, 2]), true));
    assert_eq!((example.name.as_deref(), example.zone.as_deref()), (Some("a,b"), Some("z")));
    let flags = ["--number=3", "--number=4", "--name=c", "--name=d", "--verbose", "--port=2", "--port=3"];
    let example = read(&flags, variables).unwrap();
    assert_eq!((example.port, example.number, example.verbose), (3, Some(vec![3, 4]), true));
    assert_eq!(example.name.as_deref(), Some("c,d"));
}

#[test]
fn all_problems_are_reported_together_with_their_sources() {
    let flags = ["--port", "-1", "--number=3", "--number", "-10"];
    let error = read(&flags, [("QUEUE", "-1"), ("VERBOSE", "maybe")]).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    assert_eq!(
        error.message(),
        "4 settings are wrong:\n  --port is \"-1\": expected a whole number from 0 to 65535\n  \
         environment variable QUEUE is \"-1\": expected a whole number from 1 to 9\n  \
         --number is \"-10\": expected a whole number from 1 to 9\n  \
         environment variable VERBOSE is \"maybe\": expected true or false"
    );
    let error = read(&[], [("NUMBERS", "1,x")]).unwrap_err();
    let expected = "environment variable NUMBERS is \"1,x\": expected a whole number from 1 to 9";
    assert_eq!(error.message(), expected);
}

#[test]
fn help_shows_the_first_paragraph_the_variable_and_the_default() {
    let help: Vec<_> = Example::descriptions()
        .iter()
        .filter_map(Description::argument)
        .map(|argument| argument.get_help().unwrap().to_string())
        .collect();
    assert_eq!(
        help,
        [
            "Port to listen on [env: PORT] [default: 8080]",
            "Length of the queue [env: QUEUE] [default: as long as needed]",
            "A number [may be repeated] [env: NUMBERS, separated by commas]",
            "A name [may be repeated] [env: NAMES, separated by commas]",
            "Say more [env: VERBOSE]",
        ]
    );
    assert_eq!(Example::port.description().paragraphs(), ["Port to listen on", "Only the reference has this."]);
}
