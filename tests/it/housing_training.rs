//! The housing example with `refine`: every prediction is within $5 of the formula that generated the prices.

#[path = "../../examples/housing/houses.rs"]
mod houses;

use houses::{CITIES, City, seed_houses};

#[test]
fn refined_models_are_within_5_dollars_in_every_city_where_the_aws_walk_through_is_off_by_8809() {
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
