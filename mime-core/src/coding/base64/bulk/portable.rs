//! By tables and plain arithmetic.

use crate::coding::base64::ALPHABET;

/// Decodes groups of four digits, `octets.len() / 3` of them; false when a character is none.
pub(super) fn decode_digits(characters: &[u8], octets: &mut [u8]) -> bool {
    let mut all = 0;
    let (pairs, last) = characters.as_chunks::<8>();
    let (sixes, three) = octets.as_chunks_mut::<6>();
    for (&[a, b, c, d, e, f, g, h], six) in pairs.iter().zip(sixes) {
        let (first, second) = (group([a, b, c, d]), group([e, f, g, h]));
        all |= first | second;
        let [_, _, octets @ ..] = (u64::from(first) << 24 | u64::from(second)).to_be_bytes();
        *six = octets;
    }
    let (four, _) = last.as_chunks::<4>();
    let (three, _) = three.as_chunks_mut::<3>();
    for (&four, three) in four.iter().zip(three) {
        let bits = group(four);
        all |= bits;
        let [_, octets @ ..] = bits.to_be_bytes();
        *three = octets;
    }
    all < NO_DIGIT
}

/// The bits of four digits; [`NO_DIGIT`] and above when one is none.
fn group([a, b, c, d]: [u8; 4]) -> u32 {
    let [first, second, third, fourth] = &BITS;
    bits(first, a) | bits(second, b) | bits(third, c) | bits(fourth, d)
}

fn bits(table: &[u32; 256], character: u8) -> u32 {
    table
        .get(usize::from(character))
        .copied()
        .unwrap_or(NO_DIGIT)
}

const NO_DIGIT: u32 = 1 << 24;

/// For each place in a group, the bits of each character there.
static BITS: [[u32; 256]; 4] = [table(18), table(12), table(6), table(0)];

const fn table(shift: u32) -> [u32; 256] {
    let mut table = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 64 {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[ALPHABET[value as usize] as usize] = value << shift;
        }
        value += 1;
    }
    table
}

/// Encodes groups of three octets, two at a time; there must be an even number of them.
pub(super) fn encode_octets(octets: &[u8], characters: &mut [u8]) {
    let (blocks, _) = octets.as_chunks::<48>();
    let (rooms, _) = characters.as_chunks_mut::<64>();
    for (block, room) in blocks.iter().zip(rooms) {
        let (sixes, _) = block.as_chunks::<6>();
        let (eights, _) = room.as_chunks_mut::<8>();
        for (&[a, b, c, d, e, f], eight) in sixes.iter().zip(eights) {
            // 48 bits, spread to two of 24, four of 12, eight of 6.
            let bits = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
            let bits = bits & 0x00ff_ffff | (bits & 0xffff_ff00_0000) << 8;
            let bits = bits & 0x0000_0fff_0000_0fff | (bits & 0x00ff_f000_00ff_f000) << 4;
            let bits = bits & 0x003f_003f_003f_003f | (bits & 0x0fc0_0fc0_0fc0_0fc0) << 2;
            *eight = bits.to_be_bytes();
        }
        for value in room {
            *value = character(*value);
        }
    }
}

/// [`ALPHABET`] in arithmetic that the compiler does for many values at once.
fn character(value: u8) -> u8 {
    let from = |first: u8| 0_u8.wrapping_sub(u8::from(value >= first));
    let character = value.wrapping_add(b'A');
    let character = character.wrapping_add(from(26) & (b'a' - b'Z' - 1));
    let character = character.wrapping_sub(from(52) & (b'z' - b'0' + 1));
    let character = character.wrapping_sub(from(62) & (b'9' + 1 - b'+'));
    character.wrapping_add(from(63) & (b'/' - b'+' - 1))
}
