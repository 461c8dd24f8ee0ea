//! In place of the crate crc-fast: what `object_store` uses of it, over the crate `crc`.
//!
//! crc-fast picks one of some forty checksums at run time, so the linker keeps the tables of all of them: 0.7 MB of an image
//! that may weigh 10. `object_store` wants one, CRC-64/NVME, which S3 knows as `x-amz-checksum-crc64nvme`
//! (`object_store/src/aws/client.rs`). A version of it that wants another does not compile against this crate.

/// The checksums there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-64/NVME: NVM Express NVM Command Set Specification 1.0d, section 5.2.1.3.4.
    Crc64Nvme,
}

static CRC_64_NVME: crc::Crc<u64> = crc::Crc::<u64>::new(&crc::CRC_64_NVME);

/// A checksum on its way.
pub struct Digest(crc::Digest<'static, u64>);

impl Digest {
    /// Of no bytes yet.
    #[must_use]
    pub fn new(algorithm: CrcAlgorithm) -> Digest {
        match algorithm {
            CrcAlgorithm::Crc64Nvme => Digest(CRC_64_NVME.digest()),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub fn finalize(&self) -> u64 {
        self.0.clone().finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_catalogue() {
        // The check value of reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme.
        let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        digest.update(b"12345");
        digest.update(b"6789");
        assert_eq!(digest.finalize(), 0xae8b_1486_0a79_9888);
    }
}
