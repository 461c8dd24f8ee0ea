//! The housing example with `refine`: every prediction is within $5 of the formula that made the prices.

#[path = "../../examples/housing/houses.rs"]
mod houses;

use houses::{CITIES, City, seed_houses};

#[test]
fn refined_models_find_the_formula_of_every_city_where_aws_is_8809_dollars_off() {
    let seeds = seed_houses();
    assert_eq!(seeds.len(), 11);
    let aws_off = seeds.iter().map(|seed| (seed.aws_price - seed.house.price()).abs()).sum::<f64>() / 11.0;
    assert!((aws_off - 8809.0).abs() < 1.0, "{aws_off}");
    for (index, name) in CITIES.iter().enumerate() {
        let city = City::train(index, true);
        assert!(city.model.refined);
        let (mean, most) = city.errors();
        assert!(most <= 5.0, "{name}: {mean} on average, {most} at most");
        for seed in seeds.iter().filter(|seed| seed.city == index) {
            let off = (city.predict(&seed.house) - seed.house.price()).abs();
            assert!(off <= 5.0, "{name}: {off} on a house of the walk-through");
        }
    }
}
