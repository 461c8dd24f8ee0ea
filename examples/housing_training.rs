//! Shows the effect of `refine`: models of the house prices of ten cities, trained by AWS's algorithm and solved
//! exactly.
//!
//! `cargo run --release --example housing_training`

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "an example prints its tables"
)]

#[path = "housing/houses.rs"]
mod houses;

use houses::{CITIES, City, seed_houses};

fn main() {
    println!("mean absolute error on each city's test houses, in dollars");
    println!("{:<18}{:>16}{:>16}{:>16}", "city", "refine=false", "refine=true", "at most");
    let cities: Vec<City> = (0..CITIES.len())
        .map(|index| {
            let (plain, _) = City::train(index, false).errors();
            let city = City::train(index, true);
            let (mean, most) = city.errors();
            println!("{:<18}{plain:>16.2}{mean:>16.4}{most:>16.4}", CITIES[index]);
            city
        })
        .collect();

    println!("\nthe houses whose predictions AWS's walk-through prints");
    println!("{:<18}{:>12}{:>12}{:>12}{:>14}{:>14}", "city", "formula", "AWS", "refined", "AWS error", "our error");
    let (mut aws_off, mut refined_off, seeds) = (0.0, 0.0, seed_houses());
    for seed in &seeds {
        let (formula, refined) = (seed.house.price(), cities[seed.city].predict(&seed.house));
        let (aws, ours) = ((seed.aws_price - formula).abs(), (refined - formula).abs());
        aws_off += aws / seeds.len() as f64;
        refined_off += ours / seeds.len() as f64;
        println!(
            "{:<18}{formula:>12.0}{:>12.2}{refined:>12.2}{aws:>14.2}{ours:>14.4}",
            CITIES[seed.city], seed.aws_price
        );
    }
    println!("{:<18}{:>12}{:>12}{:>12}{aws_off:>14.2}{refined_off:>14.4}", "mean", "", "", "");
}
