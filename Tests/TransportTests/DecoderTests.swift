import DecoderFuzz
import Foundation
import Testing

/// A short run of bin/fuzz-decoders, from the corpus in the repository.
@Suite(.timeLimit(.minutes(2))) struct DecoderTests {
    private func corpus() throws -> DecoderCorpus {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        return try DecoderCorpus(in: tests.appendingPathComponent("DecoderFuzz/Corpus").path)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `no changed example is taken for what was signed or sealed, and none crashes its reader`(
        seed: UInt64
    ) async throws {
        var fuzzer = try DecoderFuzzer(try corpus(), seed: seed)
        #expect(try await fuzzer.run(10_000) == nil)
        #expect(fuzzer.tallies.count == DecoderCorpus.Reader.allCases.count)
    }

    @Test func `every example of the corpus is good as it is`() async throws {
        let fuzzer = try DecoderFuzzer(try corpus(), seed: 1)
        #expect(try await fuzzer.refusedExamples() == [])
    }
}
