//! The floor of the bench `batch`: it only splits, parses and prints; for a binary body, it reads the words and writes
//! those of the answer.

/// The numbers in an answer; all other characters separate them.
pub fn numbers_of(answer: &[u8]) -> Vec<f64> {
    answer
        .split(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e'))
        .filter_map(|token| std::str::from_utf8(token).ok()?.parse().ok())
        .collect()
}

/// Splits and parses a CSV body, prints numbers, and returns the count of printed bytes.
pub fn run(body: &[u8], numbers: &[f64]) -> usize {
    let mut sum = 0.0;
    let mut start = 0;
    for end in memchr::memchr2_iter(b',', b'\n', body) {
        let token = &body[start..end];
        start = end + 1;
        sum += fast_float2::parse::<f64, _>(token).unwrap_or(token.len() as f64);
    }
    std::hint::black_box(sum);
    let mut answer = Vec::with_capacity(numbers.len() * 20);
    let mut buffer = zmij::Buffer::new();
    for number in numbers {
        answer.extend_from_slice(buffer.format_finite(*number).as_bytes());
        answer.push(b',');
    }
    std::hint::black_box(answer).len()
}

/// Reads each word of a binary body as a float32 and writes as many bytes as the answer has.
pub fn run_binary(body: &[u8], answer: &[u8]) -> usize {
    let sum: f32 = body.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).sum();
    std::hint::black_box(sum);
    std::hint::black_box(answer.to_vec()).len()
}
